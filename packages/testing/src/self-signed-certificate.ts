import { generateKeyPairSync, sign } from "node:crypto";

export interface SelfSignedCertificate {
  /** PEM. */
  cert: string;
  /** PEM (PKCS #8). */
  key: string;
}

const validMs = 24 * 3_600_000;
const ecdsaWithSha256 = "1.2.840.10045.4.3.2";
const commonName = "2.5.4.3";
const subjectAlternativeName = "2.5.29.17";

/** A certificate for `names` (DNS names, `*.` allowed) that signs itself, valid for a day (RFC 5280). For tests only. */
export function selfSignedCertificate(...names: readonly string[]): SelfSignedCertificate {
  const now = Date.now();
  return certificateBetween({ fromMs: now - validMs, untilMs: now + validMs }, ...names);
}

/** The same with a validity of its own: for what expires. */
export function certificateBetween(
  validity: { fromMs: number; untilMs: number },
  ...names: readonly string[]
): SelfSignedCertificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(objectId(ecdsaWithSha256));
  const name = sequence(tagged(0x31, sequence(objectId(commonName), utf8(names[0] ?? "test"))));
  const alternatives = sequence(...names.map((dnsName) => tagged(0x82, Buffer.from(dnsName))));
  const extension = sequence(objectId(subjectAlternativeName), tagged(0x04, alternatives));
  const toBeSigned = sequence(
    tagged(0xa0, integer(2)),
    integer(Date.now()),
    algorithm,
    name,
    sequence(time(validity.fromMs), time(validity.untilMs)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(extension)),
  );
  const signature = sign("sha256", toBeSigned, privateKey);
  const der = sequence(toBeSigned, algorithm, tagged(0x03, Buffer.from([0]), signature));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

/** DER: tag, length, content (X.690 section 8.1). */
function tagged(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...derLength(body.length)]), body]);
}

/** As short as it can be: Go refuses anything longer. */
function derLength(bytes: number): number[] {
  if (bytes < 128) return [bytes];
  return bytes < 256 ? [0x81, bytes] : [0x82, bytes >> 8, bytes & 255];
}

const sequence = (...content: readonly Buffer[]): Buffer => tagged(0x30, ...content);
const utf8 = (text: string): Buffer => tagged(0x0c, Buffer.from(text));

/** Not negative, below 2 to the 48th. */
function integer(value: number): Buffer {
  const bytes = Buffer.alloc(7);
  bytes.writeUIntBE(value, 1, 6);
  let start = 0;
  while (start < 6 && bytes[start] === 0 && (bytes[start + 1] as number) < 128) start++;
  return tagged(0x02, bytes.subarray(start));
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const septets = [arc & 127];
    for (let left = arc >> 7; left > 0; left >>= 7) septets.unshift((left & 127) | 128);
    bytes.push(...septets);
  }
  return tagged(0x06, Buffer.from(bytes));
}

/** GeneralizedTime would be asked for from 2050 on only. */
const time = (ms: number): Buffer => {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, "").slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`));
};
