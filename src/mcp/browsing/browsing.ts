import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { Logger } from "../../runtime/logger.js";
import type { Reader } from "../../resources/resource.js";
import { INVALID_PARAMS, orRefuse, RESOURCE_NOT_FOUND } from "../transport/refusals.js";
import type { Subscriptions } from "./subscriptions.js";

/** The lists of resources and prompts are the same for everybody and never change while a server runs. */
export const BROWSING = { resources: { subscribe: true }, prompts: {}, completions: {} } as const;

export interface BrowsingParts {
  readonly logger: Logger;
  /** The database as the client may look at it. Opened with the first request that needs it. */
  reader(): Promise<Reader>;
  /** Whether the client shows pages of the server. */
  showsApps(): boolean;
  newRequestId(): string;
}

export interface Browsing {
  /** Ends every subscription. */
  close(): void;
}

/**
 * Registers everything a client can browse besides calling tools. Each part is loaded with the first request for it.
 */
// oxlint-disable-next-line typescript/no-deprecated -- meant for advanced use, which this is
export function serveBrowsing(server: Server, parts: BrowsingParts): Browsing {
  const aboutResources = { ...parts, notFound: RESOURCE_NOT_FOUND } as const;
  const aboutPrompts = { ...parts, notFound: INVALID_PARAMS } as const;
  const subscriptions = lazySubscriptions(server, parts.logger);

  server.setRequestHandler(ListResourcesRequestSchema, async () =>
    (await import("./resources.js")).resourceList(parts.showsApps()),
  );
  server.setRequestHandler(ListResourceTemplatesRequestSchema, async () =>
    (await import("./resources.js")).templateList(),
  );
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) =>
    orRefuse(aboutResources, async () =>
      (await import("./resources.js")).readContents(() => parts.reader(), params.uri),
    ),
  );
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) =>
    orRefuse(aboutResources, async () => {
      await (await subscriptions.opened()).subscribe(() => parts.reader(), params.uri);
      return {};
    }),
  );
  server.setRequestHandler(UnsubscribeRequestSchema, async ({ params }) => {
    await (await subscriptions.opened()).unsubscribe(params.uri);
    return {};
  });

  server.setRequestHandler(ListPromptsRequestSchema, async () => (await import("./prompts.js")).promptList());
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) =>
    orRefuse(aboutPrompts, async () => {
      const call = { name: params.name, arguments: params.arguments ?? {} };
      return (await import("./prompts.js")).composedPrompt(await parts.reader(), call);
    }),
  );
  server.setRequestHandler(CompleteRequestSchema, ({ params }) =>
    orRefuse(aboutPrompts, async () => (await import("./completions.js")).completed(await parts.reader(), params)),
  );
  return { close: () => subscriptions.close() };
}

// oxlint-disable-next-line typescript/no-deprecated -- as above
function lazySubscriptions(server: Server, logger: Logger) {
  let opening: Promise<Subscriptions> | undefined;
  const notify = (uri: string): Promise<void> =>
    server
      .sendResourceUpdated({ uri })
      .catch((error: unknown) => logger.debug("a change could not be told", { uri, error }));
  return {
    opened(): Promise<Subscriptions> {
      opening ??= import("./subscriptions.js").then((module) => new module.Subscriptions({ notify, logger }));
      return opening;
    },
    close(): void {
      void opening?.then((subscriptions) => subscriptions.close());
    },
  };
}
