"""Links from elsewhere: their formats, and the one way in which all of them are taken over."""
