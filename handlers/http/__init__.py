"""What the JSON API and the pages share: who asks, whether they may, and one transaction."""
