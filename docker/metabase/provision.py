"""Puts grantd's database, cards and dashboards into Metabase, by its HTTP API.

Can be run again: what is there is brought up to date, found by name in the collection "grantd". Needs Python alone.

METABASE_URL, METABASE_PASSWORD_FILE, GRANTD_TOKEN_FILE and DASHBOARDS (the file) must be set; METABASE_EMAIL, GRANTD_HOST,
GRANTD_PORT, GRANTD_USER, GRANTD_SSL ("true" where grantd has a certificate) and METABASE_WAIT_SECONDS can be.
API: https://www.metabase.com/docs/latest/api
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

COLLECTION = "grantd"


class Refused(Exception):
    """What Metabase would not do."""


class Metabase:
    def __init__(self, url):
        self.url = url.rstrip("/")
        self.session = None
        # No proxy: it is the next container.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        if self.session:
            headers["X-Metabase-Session"] = self.session
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with self.opener.open(request, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            # The answer says what was wrong; it does not repeat what was sent.
            raise Refused(f"{method} {path}: {error.code} {error.read()[:500].decode(errors='replace')}") from error
        except OSError as error:
            raise Refused(f"{method} {path}: {error}") from error
        return json.loads(text) if text else None

    def wait(self, seconds):
        """Until it has started: it answers 503 for a minute or two."""
        end = time.monotonic() + seconds
        while True:
            try:
                return self.ask("GET", "/api/health")
            except Refused as refused:
                if time.monotonic() > end:
                    raise Refused(f"Metabase does not start: {refused}") from refused
                time.sleep(1)

    def login(self, email, password):
        """The first user, or a session of his."""
        properties = self.ask("GET", "/api/session/properties")
        if properties.get("has-user-setup"):
            answer = self.ask("POST", "/api/session", {"username": email, "password": password})
        else:
            user = {"first_name": "grantd", "last_name": "admin", "email": email, "password": password, "site_name": "grantd"}
            preferences = {"site_name": "grantd", "site_locale": "en", "allow_tracking": False}
            answer = self.ask(
                "POST", "/api/setup", {"token": properties["setup-token"], "user": user, "prefs": preferences}
            )
        self.session = answer["id"]

    def put(self, path, there, body):
        """Makes it, or brings the one of its name up to date; its id."""
        found = [item for item in there if item["name"] == body["name"]]
        if found:
            self.ask("PUT", f"{path}/{found[0]['id']}", body)
            return found[0]["id"]
        return self.ask("POST", path, body)["id"]


def rows(answer):
    """Some answers are lists, others have theirs under "data"."""
    return answer["data"] if isinstance(answer, dict) else answer


def database(token):
    details = {
        "host": os.environ.get("GRANTD_HOST", "127.0.0.1"),
        "port": int(os.environ.get("GRANTD_PORT", "5433")),
        "dbname": "grantd",
        "user": os.environ.get("GRANTD_USER", "metabase"),
        "password": token,
        "ssl": os.environ.get("GRANTD_SSL", "false") == "true",
        "schema-filters-type": "inclusion",
        "schema-filters-patterns": "public",
        "tunnel-enabled": False,
    }
    return {"engine": "postgres", "name": "grantd", "details": details, "is_full_sync": True, "auto_run_queries": True}


def card(dashboard, panel, database_id, collection_id):
    native = {"query": panel["query"], "template-tags": panel["template_tags"]}
    return {
        # Two dashboards may have a panel of the same title.
        "name": f"{dashboard['name']}: {panel['name']}",
        "description": panel["description"],
        "display": panel["display"],
        "visualization_settings": panel["visualization_settings"],
        "dataset_query": {"type": "native", "database": database_id, "native": native},
        "collection_id": collection_id,
    }


def dashcard(number, panel, card_id):
    mappings = [
        {"parameter_id": f"grantd-{name}", "card_id": card_id, "target": ["variable", ["template-tag", name]]}
        for name in panel["template_tags"]
    ]
    place = {key: panel[key] for key in ("row", "col", "size_x", "size_y")}
    settings = {"card.title": panel["name"], "card.description": panel["description"]}
    return {
        # Below 0: made anew; what the dashboard had before goes.
        "id": -number,
        "card_id": card_id,
        "parameter_mappings": mappings,
        "visualization_settings": settings,
        "series": [],
        **place,
    }


def provision():
    def secret(name):
        with open(os.environ[name], encoding="utf-8") as file:
            return file.read().strip()

    with open(os.environ["DASHBOARDS"], encoding="utf-8") as file:
        dashboards = json.load(file)["dashboards"]
    metabase = Metabase(os.environ["METABASE_URL"])
    metabase.wait(float(os.environ.get("METABASE_WAIT_SECONDS", "600")))
    metabase.login(os.environ.get("METABASE_EMAIL", "admin@example.com"), secret("METABASE_PASSWORD_FILE"))
    database_id = metabase.put("/api/database", rows(metabase.ask("GET", "/api/database")), database(secret("GRANTD_TOKEN_FILE")))
    collections = [c for c in metabase.ask("GET", "/api/collection") if c["name"] == COLLECTION]
    collection = collections[0] if collections else metabase.ask("POST", "/api/collection", {"name": COLLECTION})
    items = f"/api/collection/{collection['id']}/items?limit=1000&models="
    cards = rows(metabase.ask("GET", items + "card"))
    boards = rows(metabase.ask("GET", items + "dashboard"))
    for dashboard in dashboards:
        placed = []
        for number, panel in enumerate(dashboard["cards"], 1):
            made = metabase.put("/api/card", cards, card(dashboard, panel, database_id, collection["id"]))
            placed.append(dashcard(number, panel, made))
        body = {
            "name": dashboard["name"],
            "description": dashboard["description"],
            "parameters": dashboard["parameters"],
            "collection_id": collection["id"],
        }
        found = [board for board in boards if board["name"] == dashboard["name"]]
        made = found[0]["id"] if found else metabase.ask("POST", "/api/dashboard", body)["id"]
        metabase.ask("PUT", f"/api/dashboard/{made}", {**body, "dashcards": placed, "tabs": [], "width": "full"})
        print(f"{dashboard['name']}: {len(placed)} cards, {metabase.url}/dashboard/{made}")


def main():
    try:
        provision()
    except (Refused, KeyError, OSError, ValueError) as error:
        what = f"{error} is not set or not in an answer" if isinstance(error, KeyError) else error
        print(f"provision: {what}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
