"""The playground: a page that trains a recorded graph in the browser."""
