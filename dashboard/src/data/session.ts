import { useQuery } from "@tanstack/react-query";
import { problemIn } from "./client.js";
import { queryClient } from "./queries.js";

/** The caller, as the server knows them. */
export interface Session {
  readonly name?: string;
  readonly role?: string;
  readonly is_person: boolean;
  /** Whether the server answers nothing before someone has signed in. */
  readonly isAsked?: boolean;
}

const ADDRESS = "/api/v1/session";
const UNAUTHORIZED = 401;

export function useSession(): Session | undefined {
  return useQuery({
    queryKey: ["session"],
    queryFn: async (): Promise<Session> => {
      const response = await fetch(ADDRESS);
      if (response.status === UNAUTHORIZED) return { is_person: false, isAsked: true };
      return response.ok ? ((await response.json()) as Session) : { is_person: false };
    },
  }).data;
}

/** Signs this browser in by a person's token. Errors: `Problem`. */
export async function signIn(token: string): Promise<void> {
  const response = await fetch(ADDRESS, { method: "POST", headers: { Authorization: `Bearer ${token}` } });
  if (!response.ok) throw await problemIn(response);
  await queryClient.invalidateQueries();
}

export async function signOut(): Promise<void> {
  await fetch(ADDRESS, { method: "DELETE" });
  await queryClient.invalidateQueries();
}
