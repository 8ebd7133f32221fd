"""What the Python library is used for, against API_URL with API_KEY; prints what it was given."""

import json
import os
import sys

from shlink import Shlink  # type: ignore[import-not-found]

client = Shlink(api_key=os.environ["API_KEY"], url=os.environ["API_URL"])
listed = client.list_short_urls()["shortUrls"]["data"]
json.dump([client.get_short_url(item["shortCode"]) for item in listed], sys.stdout)
