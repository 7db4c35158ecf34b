import { QueryClient, useMutation, useQuery, type UseMutationResult, type UseQueryResult } from "@tanstack/react-query";
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

/** A writing operation. What it changed comes back as events. */
export function useAction<N extends OperationName>(name: N): UseMutationResult<ResultOf<N>, Problem, InputOf<N>> {
  return useMutation<ResultOf<N>, Problem, InputOf<N>>({
    mutationFn: (input) => call(name, input),
    // The stream says so too, but what a person has just done is to be seen in any case.
    onSettled: () => queryClient.invalidateQueries(),
  });
}
