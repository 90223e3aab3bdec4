// Signs and verifies with the SDKs of GitHub, Paddle and Shopify: a line of JSON in, a line of JSON out.
import { createInterface } from "node:readline";
import * as octokit from "@octokit/webhooks-methods";
import { Paddle } from "@paddle/paddle-node-sdk";
import "@shopify/shopify-api/adapters/node";
import { shopifyApi } from "@shopify/shopify-api";
import { createSHA256HMAC } from "@shopify/shopify-api/runtime";

const silent = { log: () => {} };
const app = (secret) =>
  shopifyApi({ apiKey: "k", apiSecretKey: secret, apiVersion: "2025-01", isEmbeddedApp: true, hostName: "x.example", logger: silent });

const ASKED = {
  "github.sign": ({ secret, body }) => octokit.sign(secret, body),
  "github.verify": ({ secret, body, headers }) => octokit.verify(secret, body, headers["x-hub-signature-256"]),
  "paddle.verify": ({ secret, body, headers }) => new Paddle("k").webhooks.isSignatureValid(body, secret, headers["paddle-signature"]),
  "shopify.sign": ({ secret, body }) => createSHA256HMAC(secret, body),
  "shopify.verify": async ({ secret, body, headers }) =>
    (await app(secret).webhooks.validate({ rawBody: body, rawRequest: { method: "POST", url: "/", headers } })).valid,
};

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  console.log(JSON.stringify(await ASKED[asked.what](asked)));
}
