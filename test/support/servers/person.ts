import type { ElicitRequest, ElicitResult } from "@modelcontextprotocol/sdk/types.js";
import { until } from "../until.js";

type Field = Readonly<Record<string, unknown>>;

/** A form that stands before a person, or did. */
export interface Form {
  readonly message: string;
  readonly fields: Readonly<Record<string, Field>>;
  readonly required: readonly string[];
  /** The server has taken it back. */
  readonly takenBack: boolean;
  /** Fills it in. */
  readonly fillIn: (content: NonNullable<ElicitResult["content"]>) => void;
  /** Turns it down, or closes it. */
  readonly refuse: (action: "decline" | "cancel") => void;
}

/** A person at a client that can show forms, and the forms they have been shown, in order. */
export class Person {
  readonly forms: Form[] = [];

  /** Begins to count anew, for a test that shares its person with others. */
  forget(): this {
    this.forms.length = 0;
    return this;
  }

  /** The form of that number, as soon as it is shown. */
  shown(number = 1): Promise<Form> {
    return until(`form ${number} is shown`, () => this.forms[number - 1]);
  }

  /** Handles a request for a form, as a client does. */
  see(params: ElicitRequest["params"], signal: AbortSignal): Promise<ElicitResult> {
    if (params.mode === "url") throw new Error("a person was to be sent somewhere");
    const { message, requestedSchema } = params;
    return new Promise((resolve) => {
      this.forms.push({
        message,
        fields: requestedSchema.properties,
        required: requestedSchema.required ?? [],
        get takenBack() {
          return signal.aborted;
        },
        fillIn: (content) => resolve({ action: "accept", content }),
        refuse: (action) => resolve({ action }),
      });
    });
  }
}
