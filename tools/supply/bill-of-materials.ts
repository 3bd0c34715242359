import { createHash } from "node:crypto";
import type { ShippedPackage } from "./shipped-package.ts";

/**
 * The packages in an image as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json): those that have code in the bundle or lie
 * beside it, which is far less than what is installed. Node and the base image are not in it: those are chosen when the image
 * is built. The same content gives the same text, so that images stay reproducible.
 */
export function billOfMaterials(image: string, packages: readonly ShippedPackage[]): string {
  const components = packages.map(component);
  const subject = { type: "container", "bom-ref": image, name: image } as const;
  const content = JSON.stringify([subject, components]);
  return `${JSON.stringify(
    {
      $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      serialNumber: `urn:uuid:${uuidOf(content)}`,
      version: 1,
      metadata: { component: subject },
      components,
      dependencies: [{ ref: image, dependsOn: components.map((each) => each["bom-ref"]) }],
    },
    null,
    1,
  )}\n`;
}

function component({ name, version, licence, sha512 }: ShippedPackage) {
  const [scope, own] = name.startsWith("@") ? (name.split("/") as [string, string]) : [undefined, name];
  const purl = `pkg:npm/${scope ? `${encodeURIComponent(scope)}/` : ""}${own}@${version}`;
  return {
    type: "library" as const,
    "bom-ref": purl,
    ...(scope ? { group: scope } : {}),
    name: own,
    version,
    ...(sha512 ? { hashes: [{ alg: "SHA-512" as const, content: sha512 }] } : {}),
    ...(licence ? { licenses: [{ expression: licence }] } : {}),
    purl,
  };
}

/** RFC 9562, version 8: made from the content. */
function uuidOf(content: string): string {
  const hex = createHash("sha256").update(content).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
