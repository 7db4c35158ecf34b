import { useQuery } from "@tanstack/react-query";
import { problemIn, request } from "./client.js";
import { queryClient } from "./queries.js";

/** The caller, as the server knows them. */
export interface Session {
  readonly name?: string;
  readonly role?: string;
  readonly is_person: boolean;
  /** Whether the server answers nothing before someone has signed in. */
  readonly isAsked?: boolean;
}

const KEY = ["session"];
const ADDRESS = "/api/v1/session";
const UNAUTHORIZED = 401;

export function useSession(): Session | undefined {
  return useQuery({
    queryKey: KEY,
    queryFn: async (): Promise<Session> => {
      const response = await fetch(ADDRESS);
      if (response.status === UNAUTHORIZED) return { is_person: false, isAsked: true };
      return response.ok ? ((await response.json()) as Session) : { is_person: false };
    },
    // A person may have signed in, or out, in another tab.
    refetchOnWindowFocus: "always",
  }).data;
}

/** Signs this browser in by a person's token. Errors: `Problem`. */
export async function signIn(token: string): Promise<void> {
  const response = await request(ADDRESS, { method: "POST", headers: { Authorization: `Bearer ${token}` } });
  if (!response.ok) throw await problemIn(response);
  await queryClient.invalidateQueries();
}

/** Signs this browser out. Errors: `Problem`. */
export async function signOut(): Promise<void> {
  const response = await request(ADDRESS, { method: "DELETE" });
  // A browser that the server does not know any more is signed out.
  if (!response.ok && response.status !== UNAUTHORIZED) throw await problemIn(response);
  await queryClient.invalidateQueries();
}

/** Asks again who the caller is: a sign-in ends at its time, in another tab, or with its token. */
export async function readSession(): Promise<void> {
  await queryClient.invalidateQueries({ queryKey: KEY });
}

/** Whether the server answers nothing before someone has signed in. */
export function isSignInAsked(): boolean {
  return queryClient.getQueryData<Session>(KEY)?.isAsked === true;
}
