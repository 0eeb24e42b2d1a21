// Reads all managed devices with @microsoft/microsoft-graph-client, and prints how many seconds that took.

import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.cwd(), "read.mjs"));
const { ClientSecretCredential } = require("@azure/identity");
const { Client, PageIterator } = require("@microsoft/microsoft-graph-client");

const ready = JSON.parse(process.argv[2]);
const root = ready.base_url.slice(0, -"v1.0".length);
const credential = new ClientSecretCredential(ready.tenant, ready.client_id, ready.client_secret, {
  authorityHost: root,
  disableInstanceDiscovery: true,
});
const { token } = await credential.getToken(ready.scope);
const client = Client.init({
  baseUrl: root,
  defaultVersion: "v1.0",
  customHosts: new Set(["localhost"]),
  authProvider: (done) => done(null, token),
});

const start = process.hrtime.bigint();
const first = await client
  .api("/deviceManagement/managedDevices")
  .select(ready.fields)
  .top(1000)
  .get();
const seen = [];
await new PageIterator(client, first, (device) => seen.push(device) > 0).iterate();
const took = Number(process.hrtime.bigint() - start) / 1e9;
if (seen.length !== ready.size) throw new Error(`${seen.length} devices`);
console.log(took);
