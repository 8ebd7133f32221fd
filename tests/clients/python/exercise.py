"""What the Python library is used for, against API_URL with API_KEY; prints what it was given."""

import json
import os

from shlink import Shlink

client = Shlink(api_key=os.environ["API_KEY"], url=os.environ["API_URL"])
listed = client.list_short_urls()["shortUrls"]["data"]
print(json.dumps([client.get_short_url(item["shortCode"]) for item in listed]))
