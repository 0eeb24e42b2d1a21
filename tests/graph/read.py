"""Reads all managed devices with msgraph-sdk, and prints how many seconds that took."""

import asyncio
import json
import sys
import time

import httpx
from azure.identity import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.device_management.managed_devices.managed_devices_request_builder import (
    ManagedDevicesRequestBuilder,
)
from msgraph_core import GraphClientFactory

READY = json.loads(sys.argv[1])
Query = ManagedDevicesRequestBuilder.ManagedDevicesRequestBuilderGetQueryParameters


async def main():
    credential = ClientSecretCredential(
        READY["tenant"], READY["client_id"], READY["client_secret"],
        authority=READY["base_url"].rsplit("/", 1)[0], disable_instance_discovery=True,
        connection_verify=READY["ca_file"])
    http = GraphClientFactory.create_with_default_middleware(
        client=httpx.AsyncClient(verify=READY["ca_file"], timeout=120))
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=[READY["scope"]], allowed_hosts=["localhost"])
    adapter = GraphRequestAdapter(provider, http)
    adapter.base_url = READY["base_url"]
    devices = GraphServiceClient(request_adapter=adapter).device_management.managed_devices
    start = time.perf_counter()
    query = Query(top=1000, select=READY["fields"].split(","))
    page, seen = await devices.get(RequestConfiguration(query_parameters=query)), []
    while page:
        seen += page.value
        page = page.odata_next_link and await devices.with_url(page.odata_next_link).get()
    took = time.perf_counter() - start
    assert len(seen) == READY["size"], len(seen)
    print(took)


asyncio.run(main())
