"""Rights in Azure: what must be allowed so that Trueup can do its work, and no more."""
