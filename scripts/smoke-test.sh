#!/bin/sh
# Uploads photos to a running site and downloads their thumbnails. Exit code 0 if everything works.
#
#     smoke-test.sh URL FOLDER      FOLDER: a folder with JPEG files, such as `make samples` writes
#
# Needs curl and python3. Called by .github/workflows/ci.yml.
set -eu

url=$1
photo=$(find "$2" -name '*.jpg' | sort | head -n 1)
[ -n "$photo" ] || { echo "There is no .jpg file in $2: run \`make samples\`." >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# value FILE EXPRESSION: prints the value of a Python expression, in which `d` is the JSON document in FILE.
value() {
    python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"
}

fetch() {
    curl --fail-with-body --silent --show-error --max-time 120 "$@"
}

echo "Uploading $photo and waiting for its thumbnails ..."
fetch -F "image=@$photo" "$url/api/upload" -o "$work/uploaded.json"
[ "$(value "$work/uploaded.json" 'd["image"]["status"]')" = completed ]

echo "Uploading it as a batch for the workers ..."
fetch -F "images=@$photo" -F "images=@$photo" "$url/api/async/batch/upload" -o "$work/accepted.json"
batch=$(value "$work/accepted.json" 'd["batch_id"]')
attempt=0
until [ "$(value "$work/batch.json" 'd["counts"]["completed"]' 2>/dev/null)" = 2 ]; do
    attempt=$((attempt + 1))
    [ $attempt -le 60 ] || { echo "The batch was not completed within two minutes:" >&2; cat "$work/batch.json" >&2; exit 1; }
    sleep 2
    fetch "$url/api/batches/$batch" -o "$work/batch.json"
done

for label in small medium large; do
    thumbnail=$(value "$work/uploaded.json" "d['image']['thumbnails']['$label']")
    case $thumbnail in http*) ;; *) thumbnail=$url$thumbnail ;; esac
    fetch "$thumbnail" -o "$work/$label.jpg"
    # A JPEG begins with FF D8.
    [ "$(od -A n -t x1 -N 2 "$work/$label.jpg" | tr -d ' ')" = ffd8 ] || { echo "$thumbnail is not a JPEG." >&2; exit 1; }
done
echo "Upload, workers and thumbnails work at $url."
