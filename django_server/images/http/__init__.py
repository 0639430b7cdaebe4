"""What routes and middleware share: JSON responses, exceptions as responses, pagination, allowed origins."""
