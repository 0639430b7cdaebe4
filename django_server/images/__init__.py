"""The one Django app: images come in (`uploads`, `api`), are worked on (`tasks`, `processing`), are told of (`events`,
`consumers`) and shown (`wire`)."""
