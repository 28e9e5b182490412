"""Holds docker/compose.yml against the schema of compose files and against what this project wants of a service.

usage: check.py DOCKER_FOLDER     exit code 0, or 1 with a line per fault
"""

import importlib.util
import json
import pathlib
import re
import sys

import jsonschema
import yaml

# Newer than the schema, which is of 2021: left out before it is asked, and checked here.
DEPENDS = {"condition", "restart", "required"}
ROOT = {"setup"}
LONG_RUNNING = {"grantd", "grafana", "metabase"}

folder = pathlib.Path(sys.argv[1])
faults = []


def fault(where, what):
    faults.append(f"{where}: {what}")


compose = yaml.safe_load((folder / "compose.yml").read_text())
services = compose["services"]


def for_schema(compose):
    """The file without what the schema does not know yet."""
    old = json.loads(json.dumps(compose))
    if not re.fullmatch(r"[a-z]+", old.pop("name")):
        fault("name", "it names networks and volumes")
    for name, service in old["services"].items():
        for needed, how in service.get("depends_on", {}).items():
            if set(how) - DEPENDS:
                fault(name, f"depends_on {needed}: {sorted(set(how) - DEPENDS)}")
            service["depends_on"][needed] = {"condition": how["condition"]}
        for volume in service.get("volumes", []):
            if isinstance(volume, dict) and "subpath" in volume.get("volume", {}):
                if not re.fullmatch(r"[a-z]+", volume["volume"].pop("subpath")):
                    fault(name, "a subpath is one folder")
    return old


spec = importlib.util.find_spec("compose").submodule_search_locations[0]
schema = json.loads((pathlib.Path(spec) / "config/compose_spec.json").read_text())
validator = jsonschema.Draft7Validator(schema, format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)
for error in validator.iter_errors(for_schema(compose)):
    fault("/".join(map(str, error.absolute_path)), error.message)

for name, service in services.items():
    image = service.get("image")
    if image is None:
        build = service["build"]
        dockerfile = folder / build["context"] / build["dockerfile"]
        if not dockerfile.is_file():
            fault(name, f"there is no {build['dockerfile']}")
        elif build.get("target") and not re.search(rf"(?im)^FROM \S+ AS {build['target']}$", dockerfile.read_text()):
            fault(name, f"{build['dockerfile']} has no stage {build['target']}")
    elif not re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+[a-z0-9.-]*", image):
        fault(name, f"the image {image} is not pinned to a version")
    if service.get("read_only") is not True:
        fault(name, "its root can be written to")
    if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []):
        fault(name, "it keeps capabilities or may gain privileges")
    user = str(service.get("user", "0"))
    if (user.split(":")[0] in ("0", "root")) != (name in ROOT):
        fault(name, f"it runs as {user}")
    if service.get("cap_add") and (name not in ROOT or service["cap_add"] != ["CHOWN"] or service.get("network_mode") != "none"):
        fault(name, "only setup may give files away, without a network")
    if service.get("privileged") or service.get("pid") or service.get("ipc"):
        fault(name, "it shares what is the machine's")
    health = service.get("healthcheck", {})
    if name in LONG_RUNNING and not health.get("test"):
        fault(name, "it has no health check")
    for port in service.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            fault(name, f"port {port} is open to other machines")
    for key, value in service.get("environment", {}).items():
        if re.search(r"PASS|TOKEN|SECRET|KEY", key) and not str(value).startswith("/run/"):
            fault(name, f"{key} is a secret in the file")
    for needed in service.get("depends_on", {}):
        if needed not in services:
            fault(name, f"it needs {needed}, which is not there")
        elif service["depends_on"][needed]["condition"] == "service_healthy" and needed not in LONG_RUNNING:
            fault(name, f"{needed} is never healthy")
    for volume in service.get("volumes", []):
        source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
        if source.startswith("."):
            if not (folder / source).exists():
                fault(name, f"{source} is mounted and not there")
            if not str(volume).endswith(":ro"):
                fault(name, f"{source} is not mounted read-only")
        elif source not in compose["volumes"]:
            fault(name, f"volume {source} is not declared")
    for network in service.get("networks", []):
        if network not in compose["networks"]:
            fault(name, f"network {network} is not declared")

# Who reads which secrets: subfolders of one volume, made by setup.sh, owned by the user of the service.
owners = {reader: uid for uid, reader in re.findall(r'\$chown -R (\d+):\d+ "\$secrets/(\w+)"', (folder / "setup.sh").read_text())}
for name, service in services.items():
    for volume in service.get("volumes", []):
        if isinstance(volume, dict) and volume["source"] == "secrets":
            reader = volume["volume"]["subpath"]
            if owners.get(reader) != service["user"].split(":")[0]:
                fault(name, f"it cannot read secrets/{reader}, which is {owners.get(reader)}'s")

# Grafana's files are of its format, and say nothing secret.
source = yaml.safe_load((folder / "grafana/provisioning/datasources/grantd.yml").read_text())["datasources"][0]
if (source["uid"], source["url"], source["jsonData"]["database"]) != ("grantd", "grantd:5433", "grantd"):
    fault("datasources/grantd.yml", "it is not the data source of the dashboards")
if source["secureJsonData"]["password"] != "$__file{/run/grafana/token}":
    fault("datasources/grantd.yml", "the password is not read from a file")
provider = yaml.safe_load((folder / "grafana/provisioning/dashboards/grantd.yml").read_text())["providers"][0]
mounts = [v.split(":") for v in services["grafana"]["volumes"] if isinstance(v, str)]
if provider["options"]["path"] not in [mount[1] for mount in mounts]:
    fault("dashboards/grantd.yml", "its path is not mounted")
for file in sorted((folder / "grafana/dashboards").glob("*.json")):
    dashboard = json.loads(file.read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    if dashboard["uid"] != f"grantd-{file.stem}" or len(set(ids)) != len(ids):
        fault(file.name, "uid and ids")
    for panel in dashboard["panels"]:
        if panel["datasource"]["uid"] != source["uid"] or panel["datasource"]["type"] != source["type"]:
            fault(file.name, f"{panel['title']} asks another data source")

print("\n".join(faults))
sys.exit(1 if faults else 0)
