"""A cluster as a source of desired state. Reads only: nothing here may create, change or delete an object."""
