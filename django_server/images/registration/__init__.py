"""Archives that exist already, shown beside the uploads: the images of a pregen manifest become rows (`register`).

`rows` says what a record becomes, `storages` whether the manifest is of the storage that is configured. An archive is a
guest: nothing here writes or deletes a file.
"""
