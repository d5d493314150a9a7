"""Recomputing a played graph in the page, by script that the ops' rows write."""
