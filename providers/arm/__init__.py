"""Azure Resource Manager over HTTP. Decides nothing: moves bytes, follows operations, chooses the cheapest read.

``adapter.AzureResourceManager`` is the one class others use. It must not read the environment, compare or plan.
"""
