"""Used by routes and middleware alike: JSON responses, exceptions as responses, pagination, allowed origins."""
