import { QueryClient, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { call, type InputOf, OFFLINE, type OperationName, Problem, type ResultOf } from "./client.js";

const RETRIES_MAX = 3;

/** Everything that the page knows. What is shown again is shown at once, and read anew when the history says that it changed. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Infinity,
      gcTime: 120_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < RETRIES_MAX && error instanceof Problem && error.code === OFFLINE,
    },
  },
});

export interface QueryOptions {
  readonly enabled?: boolean;
}

/** A reading operation, whose result is kept until an event touches it. */
export function useOperation<N extends OperationName>(
  name: N,
  input: InputOf<N>,
  { enabled = true }: QueryOptions = {},
): UseQueryResult<ResultOf<N>, Problem> {
  return useQuery<ResultOf<N>, Problem>({
    queryKey: [name, input],
    queryFn: ({ signal }) => call(name, input, signal),
    placeholderData: (before) => before,
    enabled,
  });
}
