"""Every answer of the Graph sandbox against Microsoft's description of v1.0 (OpenAPI 3.0).

Arguments: the description, and what the sandbox says when it is ready, as JSON. Walks all paths that
the sandbox serves, and holds each answer against the schema of its status.
"""

import json
import re
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

from openapi_schema_validator import OAS30Validator

DESCRIPTION = json.load(open(sys.argv[1]))
READY = json.loads(sys.argv[2])
WRONG = []
TLS = ssl.create_default_context(cafile=READY["ca_file"])


def call(method, url, token=None, body=None, form=None, headers=None):
    data = json.dumps(body).encode() if body is not None else form
    request = urllib.request.Request(url, data=data, method=method)
    if body is not None:
        request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    try:
        with urllib.request.urlopen(request, context=TLS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def described(template, method, status):
    responses = DESCRIPTION["paths"][template][method.lower()]["responses"]
    found = responses.get(str(status)) or responses.get(f"{str(status)[0]}XX") or responses.get("2XX")
    if found and "$ref" in found:
        found = DESCRIPTION["components"]["responses"][found["$ref"].rsplit("/", 1)[1]]
    return found


def unset(fault):
    """OData's complex properties may be null; the way to OpenAPI loses that."""
    kinds = (fault.schema.get("type"), [part.get("type") for part in fault.schema.get("allOf", [])])
    return fault.instance is None and (kinds[0] == "object" or "object" in kinds[1])


def check(method, path, template, body=None, headers=None):
    status, said = call(method, READY["base_url"] + path, TOKEN, body, headers=headers)
    answer = described(template, method, status)
    if answer is None:
        WRONG.append(f"WRONG {method} {path}: the status {status} is not described: {said[:300]}")
        return None
    content = answer.get("content", {}).get("application/json")
    if content is None or not said:
        return None
    value = json.loads(said)
    schema = {"allOf": [content["schema"]], "components": DESCRIPTION["components"]}
    faults = [fault for fault in OAS30Validator(schema).iter_errors(value) if not unset(fault)]
    if faults:
        where = "/".join(map(str, faults[0].absolute_path))
        WRONG.append(f"WRONG {method} {path} ({status}): {where}: {faults[0].message[:300]}")
    print("ok   ", status, method, path[:100], flush=True)
    return value if status < 300 else None


form = urllib.parse.urlencode({
    "grant_type": "client_credentials", "client_id": READY["client_id"],
    "client_secret": READY["client_secret"], "scope": READY["scope"]}).encode()
TOKEN = json.loads(call("POST", READY["token_url"], form=form)[1])["access_token"]


def first(path):
    return json.loads(call("GET", READY["base_url"] + path, TOKEN)[1])["value"][0]["id"]


IDS = {
    "user-id": first("/users"), "group-id": first("/groups"), "device-id": first("/devices"),
    "managedDevice-id": first("/deviceManagement/managedDevices"),
    "mobileApp-id": first("/deviceAppManagement/mobileApps"),
    "detectedApp-id": first("/deviceManagement/detectedApps"),
    "deviceCompliancePolicy-id": first("/deviceManagement/deviceCompliancePolicies"),
    "directoryObject-id": first("/groups"),
}
UNKNOWN = {name: "00000000-0000-4000-8000-00000000dead" for name in IDS}
SERVED = json.loads(sys.argv[3])
EVENTUAL = {"ConsistencyLevel": "eventual"}

count = 0
for template, methods in DESCRIPTION["paths"].items():
    if "get" not in methods or template not in SERVED:
        continue
    names = re.findall(r"\{([^}]+)\}", template)
    for ids in ([IDS, UNKNOWN] if names else [IDS]):
        path = template
        for name in names:
            path = path.replace("{" + name + "}", ids[name])
        cast = re.search(r"/(members|transitiveMembers|owners)/graph\.", template)
        check("GET", path + ("?$count=true" if cast else ""), template, headers=EVENTUAL)
        count += 1
if count < 40:
    sys.exit(f"WRONG only {count} calls")

user = check("POST", "/users", "/users", {
    "accountEnabled": True, "displayName": "Described", "mailNickname": "described",
    "userPrincipalName": "described@example.com", "passwordProfile": {"password": "x"}})
check("POST", "/users", "/users", {"displayName": "Too little"})
check("POST", "/groups", "/groups", {
    "displayName": "Described", "mailEnabled": False, "mailNickname": "d", "securityEnabled": True})
check("DELETE", f"/users/{user['id']}", "/users/{user-id}")
check("GET", "/directory/deletedItems/graph.user", "/directory/deletedItems/graph.user")
check("POST", f"/directory/deletedItems/{user['id']}/restore",
      "/directory/deletedItems/{directoryObject-id}/restore")
check("POST", "/directoryObjects/getByIds", "/directoryObjects/getByIds", {"ids": [user["id"]]})
check("POST", f"/users/{user['id']}/getMemberGroups", "/users/{user-id}/getMemberGroups",
      {"securityEnabledOnly": False})
check("POST", "/$batch", "/$batch", {"requests": [{"id": "1", "method": "GET", "url": "/users"}]})
check("GET", "/auditLogs/directoryAudits", "/auditLogs/directoryAudits")
sys.exit("\n".join(WRONG)) if WRONG else print("all hold")
