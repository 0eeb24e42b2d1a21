"""The Jamf sandbox under `jamf-pro-sdk`, a client that others wrote, and under the vendor's description.

    jamf_judge.py PORT CLIENT SECRET [DESCRIPTION.json]

The last line says what was seen. A null counts as absent: servers give null where the description
does not allow for it, as with sections that were not asked for.
"""

import json
import re
import sys
import urllib.parse
import urllib.request

import jsonschema
from jamf_pro_sdk import ApiClientCredentialsProvider, JamfProClient, SessionConfig
from jamf_pro_sdk.clients.pro_api.pagination import FilterField, SortField

port, client_id, secret = int(sys.argv[1]), sys.argv[2], sys.argv[3]
description = sys.argv[4] if len(sys.argv) > 4 else None


def sdk():
    client = JamfProClient(
        server="127.0.0.1",
        port=port,
        credentials=ApiClientCredentialsProvider(client_id, secret),
        session_config=SessionConfig(scheme="http"),
    )
    api = client.pro_api
    sections = ["GENERAL", "HARDWARE", "OPERATING_SYSTEM", "USER_AND_LOCATION", "APPLICATIONS",
                "GROUP_MEMBERSHIPS", "SECURITY", "DISK_ENCRYPTION"]
    by_id = SortField("id").asc()
    computers = api.get_computer_inventory_v1(sections=sections, page_size=7, sort_expression=by_id)
    third = api.get_computer_inventory_v3(sections=sections, page_size=7, sort_expression=by_id)
    assert [c.id for c in computers] == [c.id for c in third], "two versions, two lists"
    serial = computers[3].hardware.serialNumber
    one = api.get_computer_inventory_v3(
        sections=sections, filter_expression=FilterField("hardware.serialNumber").eq(serial))
    assert [c.id for c in one] == [computers[3].id], one
    assert one[0].general.name and one[0].storage is None
    # The client's own call wants a body in the answer, which the description does not have.
    patched = client.pro_api_request("patch", f"v3/computers-inventory-detail/{computers[3].id}",
                                     data={"general": {"assetTag": "T-1"}})
    assert patched.status_code == 204
    assert api.get_computer_inventory_detail_v3(computers[3].id).general.assetTag == "T-1"
    mobiles = api.get_mobile_device_inventory_v2(sections=["GENERAL", "HARDWARE"], page_size=3)
    assert mobiles and all(m.hardware.serialNumber for m in mobiles)
    packages = api.get_packages_v1(page_size=5)
    assert len({p.packageName for p in packages}) == len(packages) > 0
    groups = client.classic_api.list_all_computer_groups()
    listed = client.classic_api.list_all_computers()
    assert len(listed) == len(computers) and len(groups) == 4
    pilot = next(g for g in groups if g.name == "Pilot")
    before = client.classic_api.get_computer_group_by_id(pilot.id)
    outside = next(c.id for c in listed if c.id not in {m.id for m in before.computers})
    client.classic_api.update_static_computer_group_membership_by_id(
        pilot.id, computers_to_add=[outside])
    after = client.classic_api.get_computer_group_by_id(pilot.id)
    assert {m.id for m in after.computers} == {m.id for m in before.computers} | {outside}
    return len(computers) + len(mobiles)


def request(method, path, body=None, token=None, form=False):
    headers = {"accept": "application/json"}
    if token:
        headers["authorization"] = "Bearer " + token
    data = None
    if body is not None:
        kind = "x-www-form-urlencoded" if form else "json"
        headers["content-type"] = "application/" + kind
        data = (urllib.parse.urlencode(body) if form else json.dumps(body)).encode()
    call = urllib.request.Request(f"http://127.0.0.1:{port}/api{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(call) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        status, text = refused.code, refused.read()
    return status, json.loads(text) if text else None


def without_nulls(value):
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(v) for v in value]
    return value


def described(spec, method, path, status):
    """The schema of an answer, found by its path with the identifiers put in."""
    for template, methods in spec["paths"].items():
        pattern = re.sub(r"\{[^}]*\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method.lower() in methods:
            answers = methods[method.lower()]["responses"]
            assert str(status) in answers or status >= 400, f"{method} {path}: {status} is not described"
            content = answers.get(str(status), {}).get("content", {})
            return next((c.get("schema") for c in content.values()), None)
    raise AssertionError(f"{method} {path} is not described")


def spec_holds():
    spec = json.load(open(description))
    for schema in spec["components"]["schemas"].values():
        # A discriminator tells which one; without heed of it several fit.
        if "discriminator" in schema and "oneOf" in schema:
            schema["anyOf"] = schema.pop("oneOf")
    seen = 0

    def call(method, path, body=None, token=None, form=False):
        nonlocal seen
        status, answer = request(method, path, body, token, form)
        schema = described(spec, method, path.split("?")[0], status)
        if schema and answer is not None:
            whole = {"components": spec["components"], "allOf": [schema]}
            validator = jsonschema.Draft4Validator(whole)
            errors = [f"{list(e.path)}: {e.message[:200]}" for e in validator.iter_errors(without_nulls(answer))]
            assert not errors, f"{method} {path}: {errors[:5]}"
        seen += 1
        return status, answer

    grant = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    token = call("POST", "/v1/oauth/token", grant, form=True)[1]["access_token"]

    def at(method, path, body=None):
        return call(method, path, body, token)

    everything = "&".join("section=" + s for s in (
        "GENERAL HARDWARE OPERATING_SYSTEM USER_AND_LOCATION SECURITY DISK_ENCRYPTION PURCHASING "
        "APPLICATIONS GROUP_MEMBERSHIPS EXTENSION_ATTRIBUTES").split())
    at("GET", "/v1/jamf-pro-version")
    at("GET", "/v1/auth")
    for version in (1, 2, 3, 4):
        at("GET", f"/v{version}/computers-inventory")
        at("GET", f"/v{version}/computers-inventory?{everything}&page-size=5")
        at("GET", f"/v{version}/computers-inventory-detail/1")
    assert at("PATCH", "/v4/computers-inventory-detail/1", {"general": {"name": "x"}})[0] == 204
    at("GET", "/v2/mobile-devices")
    at("GET", "/v2/mobile-devices/detail?section=GENERAL&section=HARDWARE&section=USER_AND_LOCATION&section=SECURITY")
    at("GET", "/v2/mobile-devices/4")
    at("GET", "/v2/mobile-devices/4/detail")
    assert at("PATCH", "/v2/mobile-devices/4", {"assetTag": "t"})[0] == 200
    package = {"packageName": "new", "fileName": "new.pkg", "categoryId": "-1", "priority": 10,
               "fillUserTemplate": False, "rebootRequired": False, "osInstall": False,
               "suppressUpdates": False, "suppressFromDock": False, "suppressEula": False,
               "suppressRegistration": False}
    made = at("POST", "/v1/packages", package)[1]
    again = at("POST", "/v1/packages", package)
    assert again[0] == 400 and again[1]["errors"][0]["code"] == "DUPLICATE_FIELD", again
    at("GET", "/v1/packages?filter=packageName==new")
    whole = at("GET", f"/v1/packages/{made['id']}")[1]
    at("PUT", f"/v1/packages/{made['id']}", {**whole, "notes": "n"})
    assert at("DELETE", f"/v1/packages/{made['id']}")[0] == 204
    assert at("DELETE", f"/v1/packages/{made['id']}")[0] == 404
    criteria = [{"name": "Model", "priority": 0, "andOr": "and", "searchType": "is", "value": "x",
                 "openingParen": False, "closingParen": False}]
    smart = at("POST", "/v3/computer-groups/smart-groups", {"name": "s", "criteria": criteria})[1]
    at("GET", "/v3/computer-groups/smart-groups")
    at("GET", f"/v3/computer-groups/smart-groups/{smart['id']}")
    assert at("PUT", f"/v3/computer-groups/smart-groups/{smart['id']}",
              {"name": "s2", "criteria": criteria})[0] == 202
    at("GET", f"/v3/computer-groups/smart-group-membership/{smart['id']}")
    at("DELETE", f"/v3/computer-groups/smart-groups/{smart['id']}")
    fixed = at("POST", "/v3/computer-groups/static-groups", {"name": "f", "assignments": ["1"]})[1]
    at("GET", "/v3/computer-groups/static-groups")
    at("GET", f"/v3/computer-groups/static-groups/{fixed['id']}")
    assert at("PUT", f"/v3/computer-groups/static-groups/{fixed['id']}",
              {"name": "f", "assignments": ["1", "2"]})[0] == 202
    at("GET", "/v1/computer-groups")
    stages = at("GET", "/v3/computer-prestages")[1]["results"]
    stage = at("GET", f"/v3/computer-prestages/{stages[0]['id']}")[1]
    assert at("PUT", f"/v3/computer-prestages/{stage['id']}", stage)[0] == 200
    stale = at("PUT", f"/v3/computer-prestages/{stage['id']}", stage)
    assert stale[0] == 409 and stale[1]["errors"][0]["code"] == "OPTIMISTIC_LOCK_FAILED", stale
    scope = at("GET", f"/v2/computer-prestages/{stage['id']}/scope")[1]
    body = {"serialNumbers": ["NEW1"], "versionLock": scope["versionLock"]}
    assert at("POST", f"/v2/computer-prestages/{stage['id']}/scope", body)[0] == 200
    sent = at("POST", "/v2/mdm/commands", {"clientData": [{"managementId": whole_id(at)}],
                                           "commandData": {"commandType": "RESTART_DEVICE"}})[1]
    at("GET", f"/v2/mdm/commands?filter=uuid=={sent[0]['id']}")
    at("POST", "/v4/computers-inventory/1/erase", {"pin": "123456"})
    at("POST", "/v4/computers-inventory/2/remove-mdm-profile")
    at("POST", "/v2/mobile-devices/4/unmanage")
    return seen


def whole_id(at):
    return at("GET", "/v4/computers-inventory-detail/1")[1]["general"]["managementId"]


print(f"{sdk()} devices by the client;", f"{spec_holds()} answers as described" if description else "no description here")
