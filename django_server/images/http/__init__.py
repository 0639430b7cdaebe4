"""HTTP code that routes and middleware share: JSON and error responses, pagination, allowed origins, the API token."""
