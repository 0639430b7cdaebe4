"""The middleware of this app. `order` lists it together with Django's, from the outermost to the innermost."""
