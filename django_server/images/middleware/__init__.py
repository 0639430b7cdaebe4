"""Every middleware of our own. `order` lists them, with Django's, from the outermost to the innermost."""
