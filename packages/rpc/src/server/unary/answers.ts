import type { ConnectError } from "@connectrpc/connect";
import { mergeNonProtocolHeaders } from "@connectrpc/connect/protocol";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { trailerFlag, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
import { compressedFlag, enveloped } from "../../envelope.ts";
import { type Answer, type Fields, setField } from "./exchange.ts";
import { connectJson, type Wire } from "./wire.ts";

/** Metadata that the handler set; undefined when it set none. */
export interface Metadata {
  header: Headers | undefined;
  trailer: Headers | undefined;
}

export interface Output {
  bytes: Uint8Array;
  isCompressed: boolean;
  /** What the answer may be compressed with; gRPC names it even where a message is not. */
  encoding: string | undefined;
}

/** A message as the answer of its protocol. */
export function messageAnswer(wire: Wire, output: Output, requestId: string, { header, trailer }: Metadata): Answer {
  const { bytes, isCompressed, encoding } = output;
  const headers: Fields = ["content-type", wire.contentType, "x-request-id", requestId];
  setAll(headers, header);
  if (encoding !== undefined && (isCompressed || wire.protocol !== "connect"))
    setField(headers, wire.encodingHeader, encoding);
  switch (wire.protocol) {
    case "grpc": {
      const trailers: Fields = ["grpc-status", "0"];
      setAll(trailers, trailer);
      return { status: 200, headers, body: enveloped(isCompressed ? compressedFlag : 0, bytes), trailers };
    }
    case "grpc-web": {
      const end = trailer === undefined ? statusOkBlock : trailerBlock(withStatusOk(trailer));
      const body = enveloped(isCompressed ? compressedFlag : 0, bytes, end);
      return { status: 200, headers, body, trailers: undefined };
    }
    case "connect":
      setAll(headers, trailer, "trailer-");
      return { status: 200, headers, body: bytes, trailers: undefined };
  }
}

/** An error as the answer of its protocol, with what the handler set before it failed. */
export function errorAnswer(wire: Wire, error: ConnectError, { header, trailer }: Metadata): Answer {
  const headers: Fields = ["content-type", wire.protocol === "connect" ? connectJson.contentType : wire.contentType];
  setAll(headers, header);
  switch (wire.protocol) {
    case "grpc": {
      const status = setTrailerStatus(new Headers(trailer), error);
      // Without metadata of the handler the status stands in the head, which ends the stream.
      const trailers: Fields | undefined = header === undefined ? undefined : [];
      setAll(trailers ?? headers, status);
      return { status: 200, headers, body: undefined, trailers };
    }
    case "grpc-web": {
      const body = trailerBlock(setTrailerStatus(new Headers(trailer), error));
      return { status: 200, headers, body, trailers: undefined };
    }
    case "connect": {
      const metadata = new Headers();
      if (!error.isWireError) mergeNonProtocolHeaders(metadata, error.metadata);
      setAll(headers, metadata);
      setAll(headers, trailer, "trailer-");
      return {
        status: codeToHttpStatus(error.code),
        headers,
        body: errorToJsonBytes(error, undefined),
        trailers: undefined,
      };
    }
  }
}

const trailerBlock = (trailer: Headers): Buffer => enveloped(trailerFlag, trailerSerialize(trailer));

function withStatusOk(trailer: Headers): Headers {
  const all = new Headers(trailer);
  all.set("grpc-status", "0");
  return all;
}

const statusOkBlock: Buffer = trailerBlock(new Headers({ "grpc-status": "0" }));

function setAll(fields: Fields, from: Headers | undefined, prefix = ""): void {
  if (from === undefined) return;
  for (const [name, value] of from) {
    // It alone comes more than once: Headers joins all others.
    if (name === "set-cookie") fields.push(prefix + name, value);
    else setField(fields, prefix + name, value);
  }
}
