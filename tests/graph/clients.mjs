// Microsoft's own clients for Node against the sandbox: @azure/identity and
// @microsoft/microsoft-graph-client. Takes what the sandbox says when it is ready, as JSON; the
// authority of its certificate is in NODE_EXTRA_CA_CERTS. Run in the folder with `node_modules`.

import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.cwd(), "clients.mjs"));
const { ClientSecretCredential } = require("@azure/identity");
const { Client, PageIterator, BatchRequestContent, BatchResponseContent } = require(
  "@microsoft/microsoft-graph-client",
);

const ready = JSON.parse(process.argv[2]);
const root = ready.base_url.slice(0, -"v1.0".length);

function ok(what, holds) {
  console.log(holds ? "ok   " : "WRONG", what);
  if (!holds) process.exit(1);
}

const credential = new ClientSecretCredential(ready.tenant, ready.client_id, ready.client_secret, {
  authorityHost: root,
  disableInstanceDiscovery: true,
});
const { token } = await credential.getToken(ready.scope);
ok("@azure/identity: secret", token.length > 0);

const client = Client.init({
  baseUrl: root,
  defaultVersion: "v1.0",
  customHosts: new Set(["localhost"]),
  authProvider: (done) => done(null, token),
});

async function all(path) {
  const seen = [];
  const first = await client.api(path).get();
  await new PageIterator(client, first, (one) => seen.push(one.id) > 0).iterate();
  return seen;
}

const users = await all("/users?$top=7");
ok("users: page iterator", new Set(users).size === ready.size && users.length === ready.size);
const devices = await all("/deviceManagement/managedDevices?$top=5");
ok("managed devices: page iterator", new Set(devices).size === ready.size);

const delta = await client.api("/users/delta").get();
ok("delta: a page and a link", delta.value.length > 0 && (delta["@odata.nextLink"] ?? delta["@odata.deltaLink"]));

try {
  await client.api("/groups/nothing").get();
  ok("groups: nothing", false);
} catch (error) {
  ok("groups: nothing", error.statusCode === 404 && error.code === "Request_ResourceNotFound");
}
try {
  await client.api("/deviceManagement/managedDevices/nothing").get();
  ok("managed devices: nothing", false);
} catch (error) {
  ok("managed devices: nothing", error.statusCode === 404 && JSON.parse(error.message)._version === 3);
}

const batch = new BatchRequestContent([
  { id: "1", request: new Request("https://localhost/users?$top=1", { method: "GET" }) },
  { id: "2", request: new Request("https://localhost/users/nobody", { method: "GET" }), dependsOn: ["1"] },
]);
const answer = new BatchResponseContent(await client.api("/$batch").post(await batch.getContent()));
ok("batch: each its own status", answer.getResponseById("1").status === 200 && answer.getResponseById("2").status === 404);

const made = await client.api("/groups").post({
  displayName: "Made in Node", mailEnabled: false, mailNickname: "node", securityEnabled: true, groupTypes: [],
});
const ref = `${ready.base_url}/directoryObjects/${users[0]}`;
await client.api(`/groups/${made.id}/members/$ref`).post({ "@odata.id": ref });
const inside = await client.api(`/groups/${made.id}/members`).get();
ok("members: added", inside.value[0].id === users[0] && inside.value[0]["@odata.type"] === "#microsoft.graph.user");
await client.api(`/groups/${made.id}/members/${users[0]}/$ref`).delete();
ok("members: removed", (await client.api(`/groups/${made.id}/members`).get()).value.length === 0);
console.log("all hold");
