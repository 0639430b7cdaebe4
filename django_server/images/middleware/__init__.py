"""What a request passes before its view. `order` lists every middleware from the outermost to the innermost."""
