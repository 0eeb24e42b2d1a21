"""Microsoft's own clients for Python against the sandbox: msal, azure-identity, msgraph-sdk.

Takes one argument, a JSON object: what the sandbox says when it is ready, `size`, and where the
certificate and key are whose owner may sign assertions. Prints one line a check, and fails at the
first that does not hold.
"""

import asyncio
import json
import sys

import httpx
from azure.identity import CertificateCredential, ClientSecretCredential
from azure.core.exceptions import ClientAuthenticationError
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from msal import ConfidentialClientApplication
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.models.group import Group
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.reference_create import ReferenceCreate
from msgraph.generated.models.user import User
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import GraphClientFactory
from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.tasks.page_iterator import PageIterator

READY = json.loads(sys.argv[1])
LOGIN = READY["token_url"].split("/oauth2")[0]
ROOT = READY["base_url"].rsplit("/", 1)[0]


def ok(what, holds):
    print(("ok   " if holds else "WRONG"), what, flush=True)
    if not holds:
        sys.exit(1)


def tokens():
    def ask(credential):
        app = ConfidentialClientApplication(
            READY["client_id"], client_credential=credential, authority=LOGIN,
            instance_discovery=False, verify=READY["ca_file"])
        return app.acquire_token_for_client([READY["scope"]])

    ok("msal: secret", "access_token" in ask(READY["client_secret"]))
    wrong = ask("yesterday's")
    ok("msal: wrong secret", wrong["error"] == "invalid_client" and 7000215 in wrong["error_codes"])
    if "key" in READY:
        key, certificate = open(READY["key"]).read(), open(READY["certificate"]).read()
        signed = ask({"private_key": key, "public_certificate": certificate})
        ok("msal: certificate (PS256, x5t#S256)", "access_token" in signed)
        signed = ask({"private_key": key, "thumbprint": READY["thumbprint"]})
        ok("msal: thumbprint (RS256, x5t)", "access_token" in signed)
    identity = {"authority": ROOT, "disable_instance_discovery": True,
                "connection_verify": READY["ca_file"]}
    tenant, client = READY["tenant"], READY["client_id"]
    secret = ClientSecretCredential(tenant, client, READY["client_secret"], **identity)
    ok("azure-identity: secret", secret.get_token(READY["scope"]).token)
    if "key" in READY:
        both = open(READY["key"]).read() + open(READY["certificate"]).read()
        signed = CertificateCredential(tenant, client, certificate_data=both.encode(), **identity)
        ok("azure-identity: certificate", signed.get_token(READY["scope"]).token)
    nobody = ClientSecretCredential(tenant, client, "wrong", **identity)
    try:
        nobody.get_token(READY["scope"])
        ok("azure-identity: wrong secret", False)
    except ClientAuthenticationError as error:
        ok("azure-identity: wrong secret", "AADSTS7000215" in str(error))
    return secret


def graph(credential):
    http = GraphClientFactory.create_with_default_middleware(
        client=httpx.AsyncClient(verify=READY["ca_file"]))
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=[READY["scope"]], allowed_hosts=["localhost"])
    adapter = GraphRequestAdapter(provider, http)
    adapter.base_url = READY["base_url"]
    return GraphServiceClient(request_adapter=adapter), adapter


def asked(kind, parameters, **headers):
    configuration = RequestConfiguration(query_parameters=kind(**parameters))
    for name, value in headers.items():
        configuration.headers.add(name, value)
    return configuration


async def lists(client, adapter):
    users = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters
    first = await client.users.get(asked(users, {"top": 7, "select": ["id", "userPrincipalName"]}))
    seen = []
    await PageIterator(first, adapter).iterate(lambda user: seen.append(user.id) or True)
    ok("users: page iterator", len(seen) == len(set(seen)) == READY["size"])
    page, count = await client.device_management.managed_devices.get(), 0
    while page:
        count += len(page.value)
        link = page.odata_next_link
        page = link and await client.device_management.managed_devices.with_url(link).get()
    ok("managed devices: next links", count == READY["size"])
    eventual = asked(users, {"count": True, "filter": "endsWith(userPrincipalName,'@example.com')",
                             "top": 3}, ConsistencyLevel="eventual")
    counted = await client.users.get(eventual)
    ok("users: advanced query", counted.odata_count == READY["size"] and len(counted.value) == 3)
    try:
        await client.users.get(asked(users, {"filter": "endsWith(userPrincipalName,'m')"}))
        ok("users: advanced query without the header", False)
    except ODataError as error:
        ok("users: advanced query without the header",
           error.error.code == "Request_UnsupportedQuery" and error.response_status_code == 400)
    try:
        await client.users.by_user_id("nobody@example.com").get()
        ok("users: nobody", False)
    except ODataError as error:
        ok("users: nobody", error.error.code == "Request_ResourceNotFound")
    skus = await client.subscribed_skus.get()
    ok("licences", all(sku.sku_part_number and sku.prepaid_units.enabled for sku in skus.value))


async def rounds(client):
    async def run(page):
        seen = []
        while True:
            seen += page.value
            if page.odata_delta_link:
                return seen, page.odata_delta_link
            page = await client.users.delta.with_url(page.odata_next_link).get()

    seen, link = await run(await client.users.delta.get())
    ok("delta: first round", len({user.id for user in seen}) == READY["size"])
    seen, link = await run(await client.users.delta.with_url(link).get())
    ok("delta: nothing changed", seen == [])
    made = await client.users.post(User(
        account_enabled=True, display_name="Made Here", mail_nickname="made.here",
        user_principal_name="made.here@example.com",
        password_profile=PasswordProfile(password="pass-" + "word" * 3)))
    await client.users.by_user_id(made.id).patch(User(job_title="Tester"))
    seen, link = await run(await client.users.delta.with_url(link).get())
    ok("delta: made and changed", [(user.id, user.job_title) for user in seen] == [(made.id, "Tester")])
    await client.users.by_user_id(made.id).delete()
    seen, link = await run(await client.users.delta.with_url(link).get())
    removed = seen[0].additional_data.get("@removed")
    ok("delta: removed", len(seen) == 1 and removed == {"reason": "changed"})
    try:
        await client.users.delta.with_url(link.split("deltatoken=")[0] + "deltatoken=00").get()
        ok("delta: a token that is none", False)
    except ODataError as error:
        ok("delta: a token that is none", error.response_status_code == 400)
    restored = await client.directory.deleted_items.by_directory_object_id(made.id).restore.post()
    ok("deleted: restored", restored.id == made.id)
    return made.id


async def members(client, user):
    groups = GroupsRequestBuilder.GroupsRequestBuilderGetQueryParameters
    made = await client.groups.post(Group(
        display_name="Made by the SDK", mail_enabled=False, mail_nickname="sdk",
        security_enabled=True, group_types=[]))
    group = client.groups.by_group_id(made.id)
    link = ReferenceCreate(odata_id=f"{READY['base_url']}/directoryObjects/{user}")
    await group.members.ref.post(link)
    inside = await group.members.get()
    ok("members: added", [type(one).__name__ for one in inside.value] == ["User"])
    try:
        await group.members.ref.post(link)
        ok("members: added twice", False)
    except ODataError as error:
        ok("members: added twice", "already exist" in error.error.message)
    await group.members.by_directory_object_id(user).ref.delete()
    inside = await group.members.get()
    there = await client.users.by_user_id(user).get()
    ok("members: removed, and the user is there", inside.value == [] and there.id == user)
    nested = (await client.groups.get(asked(groups, {"filter": "displayName eq 'All departments'"}))).value[0]
    everybody = await client.groups.by_group_id(nested.id).transitive_members.get()
    ok("members: nested", len(everybody.value) > 0)


async def batches(adapter):
    def item(id, method, path, **more):
        information = RequestInformation()
        information.http_method, information.url = method, f"{READY['base_url']}/{path}"
        return BatchRequestItem(information, id=id, **more)

    batch = BatchRequestContent()
    batch.add_request("1", item("1", Method.GET, "users?$top=1"))
    batch.add_request("2", item("2", Method.GET, "users/nobody"))
    third = item("3", Method.GET, "groups?$top=1")
    third.set_depends_on(["2"])
    batch.add_request("3", third)
    answer = await BatchRequestBuilder(adapter).post(batch)
    statuses = answer.get_response_status_codes()
    statuses = {str(id): int(status) for id, status in statuses.items()}
    ok("batch: each its own status", statuses == {"1": 200, "2": 404, "3": 424})


async def main():
    client, adapter = graph(tokens())
    await lists(client, adapter)
    user = await rounds(client)
    await members(client, user)
    await batches(adapter)


asyncio.run(main())
print("all hold")
