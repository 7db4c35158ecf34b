import {
  QueryClient,
  useInfiniteQuery,
  type UseInfiniteQueryResult,
  useMutation,
  useQueries,
  useQuery,
  type UseMutationResult,
  type UseQueryResult,
} from "@tanstack/react-query";
import { call, type InputOf, isPassing, OFFLINE, type OperationName, Problem, type ResultOf } from "./client.js";

const RETRIES_MAX = 3;
/** How soon a read is tried again that the server could not answer just then. */
const PASSING_MS = 3_000;
const LONG_LIST_PAGE = 200;

/** Everything that the page knows. What is shown again is shown at once, and read anew when the history says that it changed. */
export const queryClient = new QueryClient({
  defaultOptions: {
    // Whether the server is there is seen by asking it: it may stand on a machine that has no network.
    mutations: { networkMode: "always" },
    queries: {
      networkMode: "always",
      staleTime: Infinity,
      gcTime: 120_000,
      refetchOnWindowFocus: false,
      refetchInterval: ({ state: { error } }) => (error instanceof Problem && isPassing(error) ? PASSING_MS : false),
      retry: (failures, error) => failures < RETRIES_MAX && error instanceof Problem && error.code === OFFLINE,
    },
  },
});

export interface QueryOptions {
  readonly enabled?: boolean;
  /** Milliseconds for which a result may be shown again unread. Default: until an event touches it. */
  readonly staleTime?: number;
  /** Whether each view of it reads it anew: its own events are followed only while it is shown. */
  readonly readsAnew?: boolean;
}

/** A reading operation, whose result is kept until an event touches it. */
export function useOperation<N extends OperationName>(
  name: N,
  input: InputOf<N>,
  { enabled = true, staleTime = Infinity, readsAnew = false }: QueryOptions = {},
): UseQueryResult<ResultOf<N>, Problem> {
  return useQuery<ResultOf<N>, Problem>({
    queryKey: [name, input],
    queryFn: ({ signal }) => call(name, input, signal),
    placeholderData: (before) => before,
    enabled,
    staleTime,
    ...(readsAnew && { refetchOnMount: "always" as const }),
  });
}

/** Several results that are shown as one. */
interface SeveralResults<T> {
  /** In the order of the inputs; absent until all are there. */
  readonly data: readonly T[] | undefined;
  readonly error: Problem | null;
}

/** A reading operation for several inputs, as soon as they are known. */
export function useOperations<N extends OperationName>(
  name: N,
  inputs: readonly InputOf<N>[] | undefined,
): SeveralResults<ResultOf<N>> {
  return useQueries({
    queries: (inputs ?? []).map((input) => ({
      queryKey: [name, input],
      queryFn: ({ signal }: { readonly signal: AbortSignal }) => call(name, input, signal),
    })),
    combine: (results) => {
      const data = results.flatMap((result) => (result.data === undefined ? [] : [result.data]));
      const failed = results.find((result) => result.error !== null && result.data === undefined);
      return {
        data: data.length === inputs?.length ? data : undefined,
        error: (failed?.error ?? null) as Problem | null,
      };
    },
  });
}

/** The lists that are read on as one goes down in them. */
type LongList = "list_agents" | "list_file_locks";

/** A long list: its first page, and on demand those behind it. */
export function useLongList<N extends LongList>(
  name: N,
  input: InputOf<N>,
): UseInfiniteQueryResult<readonly ResultOf<N>[], Problem> {
  return useInfiniteQuery<ResultOf<N>, Problem, readonly ResultOf<N>[], readonly unknown[], string | undefined>({
    queryKey: [name, input, "pages"],
    queryFn: ({ signal, pageParam: cursor }) =>
      call(name, { ...input, limit: LONG_LIST_PAGE, ...(cursor !== undefined && { cursor }) }, signal),
    initialPageParam: undefined,
    getNextPageParam: (last) => last.next_cursor,
    select: ({ pages }) => pages,
    placeholderData: (before) => before,
  });
}

/** How to read a long list on; absent at its end. */
export function readOnOf(query: Pick<UseInfiniteQueryResult, "hasNextPage" | "isFetching" | "fetchNextPage">) {
  if (!query.hasNextPage) return undefined;
  return () => void (query.isFetching || query.fetchNextPage());
}

/** A writing operation. What it changed comes back as events. */
export function useAction<N extends OperationName>(name: N): UseMutationResult<ResultOf<N>, Problem, InputOf<N>> {
  return useMutation<ResultOf<N>, Problem, InputOf<N>>({
    mutationFn: (input) => call(name, input),
    // The stream says so too, but what a person has just done is to be seen in any case.
    onSettled: () => queryClient.invalidateQueries(),
  });
}
