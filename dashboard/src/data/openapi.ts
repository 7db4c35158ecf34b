// Made by `npm run reference` of the operations that ../../operations.json names.
export interface paths {
    "/operations/list_projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * List projects
         * @description Lists projects by name with their runs, the progress of the active ones, and their milestones. Use it to find a project's id or name.
         */
        post: operations["list_projects"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/get_run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a run
         * @description Shows a run: status, progress, counts, budget, ready, waiting and blocked tasks with reasons. Include tasks, graph (Mermaid) or failures.
         */
        post: operations["get_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/list_runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * List runs
         * @description Lists runs, newest first, by project, status or workflow, each with its counts and progress.
         */
        post: operations["list_runs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/control_run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause, resume, cancel or retry a run
         * @description Pauses, resumes, cancels or retries a run. pause stops claims, not work under way; cancel asks holders first; retry_failed reopens failed and blocked tasks.
         */
        post: operations["control_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/get_run_graph": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Graph of a run
         * @description Returns the run's graph with the state of each task, as Mermaid, Graphviz DOT, SVG, or data with statistics.
         */
        post: operations["get_run_graph"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/list_events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * List events
         * @description Lists the history, oldest first: every change of a run, task, lock or agent. A cursor continues where the last page ended.
         */
        post: operations["list_events"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/get_task": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a task
         * @description Shows a task: state, holder, blockers. Include result, attempts, events, history (both); page by offset.
         */
        post: operations["get_task"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/list_tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * List tasks
         * @description Lists tasks as created, by run, status, agent or role; ready: in claim order, with obstacles.
         */
        post: operations["list_tasks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/list_file_locks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * List file locks
         * @description Lists which agent holds or waits for which files, and until when. With path: only locks that overlap it.
         */
        post: operations["list_file_locks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/get_artifact": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get an artifact
         * @description Returns an artifact with its content: text as it is, other bytes as base64, long ones in parts from offset. By id, or by name for the newest version in a run or project.
         */
        post: operations["get_artifact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/list_agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * List agents
         * @description Lists agents by name with their roles, capabilities and load, and whether they are free.
         */
        post: operations["list_agents"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/get_workload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Workload of the agents
         * @description Shows for each agent what it runs, what is kept for it, its capacity, utilisation and last hour, and for all how evenly it lies; ready work that no live agent offers to take; and how many more agents of which kind would shorten ready work by how much.
         */
        post: operations["get_workload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/send_message": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a message
         * @description Sends a message to an agent, role:NAME, #CHANNEL, all, or with task alone to that task's holder, now or next; kept until it is read. Use it for questions, answers and findings that others need.
         */
        post: operations["send_message"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/read_messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Read messages
         * @description Returns your unread messages, oldest first: to your handle, roles, tasks, channels and all. They come again until you name their ids in ack. from (id or instant) or unread false replays them.
         */
        post: operations["read_messages"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/browse_messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Browse messages
         * @description Lists a project's messages, newest first: who wrote to whom, about which task. Joins no channel and acknowledges nothing: your own are read with read_messages. What is written to one agent is shown to its two sides and to a person; withheld counts the rest.
         */
        post: operations["browse_messages"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/decide_approval": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Decide an approval
         * @description Decides what request_approval has asked for: an agent with that role or one of a higher tier, but not its author; a person any. Refused once there is a newer version. Returns the approval.
         */
        post: operations["decide_approval"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/get_supervision": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Show supervision
         * @description Shows who supervises whom in a project: the tiers architect, lead and execution with their roles and live agents, open reviews, and its approvals, open ones first. An approval of an older version is void. Use update_project {config: {supervision}} to change the roles.
         */
        post: operations["get_supervision"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/list_escalations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * List open questions
         * @description Lists questions that wait for a decision, oldest first: escalations with their tier, approvals, and human steps with form and task. A person answers those that wait for them in the form that their client shows during a call such as wait_for, or with baton approve at a terminal.
         */
        post: operations["list_escalations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/decide_escalation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Decide a question
         * @description Decides an open question. An escalation by those of its tier, but the agent that asked; deferred passes it up. A human step by a person alone. Returns the escalation, and the task that goes on with what became ready.
         */
        post: operations["decide_escalation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/list_dead_letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * List dead letters
         * @description Lists dead letters, tasks that failed for good, newest first, with their errors; by run, project or status: pending until it is replayed, resolved or discarded.
         */
        post: operations["list_dead_letters"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/get_dead_letter": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get a dead letter
         * @description Shows a dead letter with all that was known when its task ended: error and stack, every attempt with its partial result, prompt and inputs, and the tasks it blocks.
         */
        post: operations["get_dead_letter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/replay_dead_letter": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replay dead letters
         * @description Reopens the task of a dead letter in its run, with changes where given, and the tasks it blocked; a failed run continues. Returns the task and what became ready. With ids: one after the other, each on its own; returns which were replayed, and why the others were refused.
         */
        post: operations["replay_dead_letter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/resolve_dead_letter": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resolve a dead letter
         * @description Completes a dead-lettered task with a result obtained elsewhere and unblocks its dependents. Returns the task and what became ready.
         */
        post: operations["resolve_dead_letter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/discard_dead_letter": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Discard a dead letter
         * @description Discards a dead letter without a retry: it leaves the list of pending ones, its task stays failed.
         */
        post: operations["discard_dead_letter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/list_schedules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * List schedules
         * @description Lists a project's schedules by name, with their next starts, their last run, and why a start failed or a schedule is paused.
         */
        post: operations["list_schedules"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/pause_schedule": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause a schedule
         * @description Pauses a schedule, or with paused: false lets it go on from its next instant. Runs under way continue. Returns the schedule.
         */
        post: operations["pause_schedule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/run_schedule": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run a schedule now
         * @description Starts a run of a schedule now, even of a paused one, and leaves its next start as it is. Returns the run and its ready tasks.
         */
        post: operations["run_schedule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/delete_schedule": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Delete a schedule
         * @description Deletes a schedule; its runs go on. Use pause_schedule where it may be wanted again. Returns the schedule.
         */
        post: operations["delete_schedule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/check_budget": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Check a budget
         * @description Shows the cost of a run, a project, an agent or everything, and the budgets that apply, the nearest first: limit, spent, remaining, and whether it warns or stops claims; budget is the one that stops claims, or the nearest. With amount, whether that may still be spent. Without a budget, state is none.
         */
        post: operations["check_budget"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/get_costs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get costs
         * @description Shows what was spent in a project, or in one run, by run, agent, role, model, day or task: cost in US dollars and tokens, the dearest first, with the total. unpriced counts records whose model has no known price.
         */
        post: operations["get_costs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/operations/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Search texts
         * @description Finds a text in runs, tasks with their prompts, questions, dead letters, messages, agents and the history, among the newest 20,000 of each. Use it to find work by a word of it. Returns what was found, kind by kind, newest first.
         */
        post: operations["search"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Problem: {
            type: string;
            title: string;
            status: number;
            detail: string;
            instance?: string;
            code: string;
            request_id?: string;
            details?: Record<string, unknown>;
            retry?: unknown;
            next?: Record<string, unknown>[];
        };
    };
    responses: {
        /** @description It was refused: what happened, the state now, the next call. */
        Refused: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_projects: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    status?: "active" | "archived";
                    /**
                     * @description At most 200.
                     * @default 50
                     */
                    limit?: number;
                    /** @description next_cursor of the previous page. */
                    cursor?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        projects: {
                            id: string;
                            name: string;
                            root: string | null;
                            /** @enum {string} */
                            status: "active" | "archived";
                            description: string | null;
                            from?: string;
                            created_at: string;
                            updated_at: string;
                            runs: number;
                            active_runs: number;
                            progress: number | null;
                            cost: number;
                            milestones: {
                                open: number;
                                completed: number;
                                overdue: number;
                            };
                        }[];
                        next_cursor?: string;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    get_run: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From execute_workflow or list_runs. */
                    run: string;
                    include?: ("tasks" | "graph" | "failures")[];
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        run: {
                            id: string;
                            name: string;
                            /** @enum {string} */
                            kind: "workflow" | "standing";
                            project: string;
                            /** @enum {string} */
                            status: "planning" | "running" | "paused" | "succeeded" | "failed" | "cancelling" | "cancelled" | "compensating" | "compensated";
                            revision: number;
                            progress: number;
                            counts: {
                                total: number;
                                pending: number;
                                ready: number;
                                running: number;
                                waiting: number;
                                in_review: number;
                                succeeded: number;
                                skipped: number;
                                blocked: number;
                                cancelled: number;
                                dead_letter: number;
                            };
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            max_parallel: number;
                            mode?: string;
                            workflow?: string;
                            workflow_version?: number | null;
                            deadline?: string;
                            reason?: string;
                            parent?: {
                                run: string | null;
                                task: string;
                            };
                            on_failure?: string;
                            stage?: string;
                            inputs: Record<string, unknown>;
                            created_by: string;
                            created_at: string;
                            ended_at?: string;
                            success_rate?: number | null;
                            duration_ms?: number;
                        };
                        budget?: {
                            /** @enum {string} */
                            scope: "run" | "project" | "agent" | "global";
                            run?: string;
                            project?: string;
                            agent?: string;
                            limit: number;
                            spent: number;
                            remaining: number;
                            /** @enum {string} */
                            state: "ok" | "warn" | "blocked";
                        };
                        phases?: {
                            phase: string;
                            /** @enum {string} */
                            status: "not_begun" | "under_way" | "ended";
                            tasks: number;
                            ended: number;
                        }[];
                        ready: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                            /** @constant */
                            claimable?: false;
                            readonly reasons?: {
                                kind: string;
                                detail: string;
                                readonly blocking: string[];
                            }[];
                        }[];
                        running: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                            silent_since?: string;
                        }[];
                        retrying?: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                            after?: string;
                            by?: string;
                        }[];
                        waiting: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                            child_run?: string;
                        }[];
                        pending?: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                            readonly needs: string[];
                            needs_more?: number;
                        }[];
                        blocked: {
                            task: {
                                id: string;
                                key: string;
                                run: string;
                                title: string;
                                from?: string;
                                /** @enum {string} */
                                kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                                /** @enum {string} */
                                status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                                /** @enum {string} */
                                priority: "critical" | "high" | "normal" | "low";
                                role?: string;
                                agent?: string;
                                percent?: number;
                                reserved_for?: string;
                                reserved_until?: string;
                                failures?: number;
                                retry_at?: string;
                                until?: string;
                            };
                            readonly reasons: {
                                kind: string;
                                detail: string;
                                readonly blocking: string[];
                            }[];
                        }[];
                        dead_letter: {
                            task: {
                                id: string;
                                key: string;
                                run: string;
                                title: string;
                                from?: string;
                                /** @enum {string} */
                                kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                                /** @enum {string} */
                                status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                                /** @enum {string} */
                                priority: "critical" | "high" | "normal" | "low";
                                role?: string;
                                agent?: string;
                                percent?: number;
                                reserved_for?: string;
                                reserved_until?: string;
                                failures?: number;
                                retry_at?: string;
                                until?: string;
                            };
                            readonly reasons: {
                                kind: string;
                                detail: string;
                                readonly blocking: string[];
                            }[];
                        }[];
                        more?: {
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            count: number;
                            next: {
                                tool: string;
                                arguments: Record<string, unknown>;
                            };
                        }[];
                        tasks?: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                            if?: string;
                            met?: boolean;
                        }[];
                        graph?: string;
                        failures?: {
                            task: {
                                id: string;
                                key: string;
                                run: string;
                                title: string;
                                from?: string;
                                /** @enum {string} */
                                kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                                /** @enum {string} */
                                status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                                /** @enum {string} */
                                priority: "critical" | "high" | "normal" | "low";
                                role?: string;
                                agent?: string;
                                percent?: number;
                                reserved_for?: string;
                                reserved_until?: string;
                                failures?: number;
                                retry_at?: string;
                                until?: string;
                            };
                            attempts: {
                                number: number;
                                agent: string;
                                outcome: string;
                                started_at: string;
                                ended_at: string;
                                duration_ms: number;
                                error?: {
                                    type: string;
                                    message: string;
                                    stack?: string;
                                };
                                usage?: Record<string, unknown>;
                                note?: string;
                            }[];
                        }[];
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    list_runs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    status?: "planning" | "running" | "paused" | "succeeded" | "failed" | "cancelling" | "cancelled" | "compensating" | "compensated";
                    /** @description Workflow name or id, from list_workflows. */
                    workflow?: string;
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    /**
                     * @description At most 200.
                     * @default 50
                     */
                    limit?: number;
                    /** @description next_cursor of the previous page. */
                    cursor?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        runs: {
                            id: string;
                            name: string;
                            /** @enum {string} */
                            kind: "workflow" | "standing";
                            project: string;
                            /** @enum {string} */
                            status: "planning" | "running" | "paused" | "succeeded" | "failed" | "cancelling" | "cancelled" | "compensating" | "compensated";
                            revision: number;
                            progress: number;
                            counts: {
                                total: number;
                                pending: number;
                                ready: number;
                                running: number;
                                waiting: number;
                                in_review: number;
                                succeeded: number;
                                skipped: number;
                                blocked: number;
                                cancelled: number;
                                dead_letter: number;
                            };
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            max_parallel: number;
                            mode?: string;
                            workflow?: string;
                            workflow_version?: number | null;
                            deadline?: string;
                            reason?: string;
                            parent?: {
                                run: string | null;
                                task: string;
                            };
                            on_failure?: string;
                            stage?: string;
                            inputs: Record<string, unknown>;
                            created_by: string;
                            created_at: string;
                            ended_at?: string;
                            success_rate?: number | null;
                            duration_ms?: number;
                            retrying?: number;
                            next_retry_at?: string;
                        }[];
                        next_cursor?: string;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    control_run: {
        parameters: {
            query?: never;
            header?: {
                /** @description The request_id of the call: the same key again returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From execute_workflow or list_runs. */
                    run: string;
                    /** @enum {string} */
                    action: "pause" | "resume" | "cancel" | "retry_failed";
                    reason?: string;
                    /** @description Handle of the agent that acts. Default: this connection's own. */
                    agent?: string;
                    /** @description The same id again returns the first answer, without doing the work twice. Kept 24 h. */
                    request_id?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        run: {
                            id: string;
                            name: string;
                            /** @enum {string} */
                            kind: "workflow" | "standing";
                            project: string;
                            /** @enum {string} */
                            status: "planning" | "running" | "paused" | "succeeded" | "failed" | "cancelling" | "cancelled" | "compensating" | "compensated";
                            revision: number;
                            progress: number;
                            counts: {
                                total: number;
                                pending: number;
                                ready: number;
                                running: number;
                                waiting: number;
                                in_review: number;
                                succeeded: number;
                                skipped: number;
                                blocked: number;
                                cancelled: number;
                                dead_letter: number;
                            };
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            max_parallel: number;
                            mode?: string;
                            workflow?: string;
                            workflow_version?: number | null;
                            deadline?: string;
                            reason?: string;
                            parent?: {
                                run: string | null;
                                task: string;
                            };
                            on_failure?: string;
                            stage?: string;
                            inputs: Record<string, unknown>;
                            created_by: string;
                            created_at: string;
                            ended_at?: string;
                            success_rate?: number | null;
                            duration_ms?: number;
                        };
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    get_run_graph: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From execute_workflow or list_runs. */
                    run: string;
                    /**
                     * @default mermaid
                     * @enum {string}
                     */
                    format?: "mermaid" | "dot" | "json" | "svg";
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        format: string;
                        graph: string | {
                            tasks: {
                                id: string;
                                key: string;
                                run: string;
                                title: string;
                                from?: string;
                                /** @enum {string} */
                                kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                                /** @enum {string} */
                                status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                                /** @enum {string} */
                                priority: "critical" | "high" | "normal" | "low";
                                role?: string;
                                agent?: string;
                                percent?: number;
                                reserved_for?: string;
                                reserved_until?: string;
                                failures?: number;
                                retry_at?: string;
                                until?: string;
                            }[];
                            readonly edges: {
                                from: string;
                                to: string;
                            }[];
                            depth: number;
                            width: number;
                            readonly critical_path: string[];
                        };
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    list_events: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description From execute_workflow or list_runs. */
                    run?: string;
                    /** @description From claim_task or list_tasks. */
                    task?: string;
                    /** @description Agent's name, from list_agents. */
                    agent?: string;
                    /** @description Such as task.claimed or run.finished. */
                    types?: string[];
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    /**
                     * @description At most 200.
                     * @default 50
                     */
                    limit?: number;
                    /** @description next_cursor of the previous page. */
                    cursor?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        events: {
                            seq: number;
                            at: string;
                            type: string;
                            project?: string;
                            run?: string;
                            task?: string;
                            agent?: string;
                            data: Record<string, unknown>;
                        }[];
                        next_cursor: string;
                        more: boolean;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    get_task: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From claim_task or list_tasks. */
                    task: string;
                    include?: ("history" | "attempts" | "events" | "result" | "prompt" | "routing")[];
                    offset?: number;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        task: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures: number;
                            retry_at?: string;
                            until?: string;
                            project: string;
                            phase?: string;
                            attempt: number;
                            trigger: string;
                            dependencies: {
                                total: number;
                                succeeded: number;
                                failed: number;
                                skipped: number;
                            };
                            dependents: number;
                            estimate_ms: number;
                            created_at: string;
                            ready_at: string | null;
                            started_at: string | null;
                            ended_at: string | null;
                            losses?: number;
                            orders?: string;
                            readonly reasons?: {
                                kind: string;
                                detail: string;
                                readonly blocking: string[];
                            }[];
                        };
                        part?: {
                            /** @enum {string} */
                            of: "result" | "prompt";
                            offset: number;
                            text: string;
                            total: number;
                            next_offset?: number;
                        };
                        lease?: {
                            token?: number;
                            expires_at: string;
                            silent_at?: string;
                            renews: string;
                        };
                        silent_since?: string;
                        spec: Record<string, unknown>;
                        result?: unknown;
                        attempts?: {
                            number: number;
                            agent: string;
                            outcome: string;
                            started_at: string;
                            ended_at: string;
                            duration_ms: number;
                            error?: {
                                type: string;
                                message: string;
                                stack?: string;
                            };
                            usage?: Record<string, unknown>;
                            note?: string;
                        }[];
                        events?: {
                            seq: number;
                            at: string;
                            type: string;
                            project?: string;
                            run?: string;
                            task?: string;
                            agent?: string;
                            data: Record<string, unknown>;
                        }[];
                        routing?: Record<string, unknown>;
                        reviews?: {
                            id: string;
                            round: number;
                            /** @enum {string} */
                            tier: "execution" | "lead" | "architect" | "human";
                            role?: string;
                            requested_at: string;
                            diff?: string;
                            no_diff?: string;
                            /** @enum {string} */
                            verdict?: "approve" | "revise" | "reject";
                            agent?: string;
                            critique?: string;
                            findings: {
                                /** @enum {string} */
                                severity: "info" | "minor" | "major" | "critical";
                                what: string;
                                where?: string;
                                suggestion?: string;
                            }[];
                            decided_at?: string;
                        }[];
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    list_tasks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description From execute_workflow or list_runs. */
                    run?: string;
                    /** @enum {string} */
                    status?: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                    /** @description Who holds it. */
                    agent?: string;
                    role?: string;
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    /**
                     * @description At most 200.
                     * @default 50
                     */
                    limit?: number;
                    /** @description next_cursor of the previous page. */
                    cursor?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        tasks: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                            /** @constant */
                            claimable?: false;
                            readonly reasons?: {
                                kind: string;
                                detail: string;
                                readonly blocking: string[];
                            }[];
                        }[];
                        next_cursor?: string;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    list_file_locks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description A file, directory or glob. */
                    path?: string;
                    /** @description Only this agent's. */
                    agent?: string;
                    /** @description From execute_workflow or list_runs. */
                    run?: string;
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    /**
                     * @description At most 200.
                     * @default 50
                     */
                    limit?: number;
                    /** @description next_cursor of the previous page. */
                    cursor?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        locks: {
                            id: string;
                            path: string;
                            /** @enum {string} */
                            kind: "file" | "directory" | "glob";
                            /** @enum {string} */
                            mode: "exclusive" | "shared" | "intent";
                            /** @enum {string} */
                            state: "held" | "offered" | "queued";
                            agent: string;
                            silent_since?: string;
                            task?: string;
                            run?: string;
                            token?: number;
                            since: string;
                            expires_at: string | null;
                            reason?: string;
                        }[];
                        next_cursor?: string;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    get_artifact: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Id or name, from put_artifact or list_artifacts. */
                    artifact: string;
                    /** @description Of a name. Default: the newest. */
                    version?: number;
                    /** @description Where a name is looked for, from list_runs. Default: the project. */
                    run?: string;
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    offset?: number;
                    /** @description []: only what is known of it. Default: its content too. */
                    include?: "content"[];
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        artifact: {
                            id: string;
                            name: string;
                            version: number;
                            type: string;
                            hash: string;
                            bytes: number;
                            text: boolean;
                            project: string;
                            run?: string;
                            task?: string;
                            path?: string;
                            attempt?: number;
                            from: string;
                            created_at: string;
                            /** @enum {string} */
                            verdict?: "passed" | "failed" | "critical";
                            superseded?: boolean;
                        };
                        content?: {
                            /** @enum {string} */
                            encoding: "utf8" | "base64";
                            offset: number;
                            text: string;
                            total: number;
                            next_offset?: number;
                        };
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    list_agents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description true: only those that could take a task now. */
                    available?: boolean;
                    capability?: string;
                    role?: string;
                    /**
                     * @description At most 200.
                     * @default 50
                     */
                    limit?: number;
                    /** @description next_cursor of the previous page. */
                    cursor?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        agents: {
                            id: string;
                            name: string;
                            /** @enum {string} */
                            status: "active" | "unregistered";
                            readonly capabilities: string[];
                            readonly roles: string[];
                            max_concurrent_tasks: number;
                            registered_at: string;
                            seen_at: string;
                            silent_since?: string;
                            profile: Record<string, unknown>;
                            reported?: {
                                status: string | null;
                                load: number | null;
                            };
                            running: number;
                            available: boolean;
                        }[];
                        next_cursor?: string;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    get_workload: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": Record<string, unknown>;
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        agents: {
                            agent: string;
                            present: boolean;
                            running: number;
                            reserved: number;
                            capacity: number;
                            utilisation: number;
                            expected_ms: number;
                            history: {
                                ended: number;
                                busy: number;
                            };
                        }[];
                        utilisation: number;
                        variance: number;
                        efficiency: number;
                        expected_ms: number | null;
                        readonly unserved: {
                            project: string;
                            ready: number;
                            wants: string;
                        }[];
                        scale_hints: {
                            project: string;
                            readonly roles: string[];
                            readonly capabilities: string[];
                            ready: number;
                            capacity: number;
                            more_agents: number;
                            now_ms: number | null;
                            then_ms: number;
                        }[];
                        history_since: string;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    send_message: {
        parameters: {
            query?: never;
            header?: {
                /** @description The request_id of the call: the same key again returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    to?: string;
                    /** @enum {string} */
                    type?: "question" | "answer" | "inform" | "handoff" | "broadcast" | "meeting_invite";
                    subject?: string;
                    body: string;
                    data?: Record<string, unknown> | unknown[] | string | number | boolean;
                    /** @description From claim_task or list_tasks. */
                    task?: string;
                    /** @description From execute_workflow or list_runs. */
                    run?: string;
                    /** @description A message; to is then its sender. */
                    reply_to?: string;
                    /** @description Handle of the agent that acts. Default: this connection's own. */
                    agent?: string;
                    /** @description The same id again returns the first answer, without doing the work twice. Kept 24 h. */
                    request_id?: string;
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        message: {
                            id: string;
                            from: string;
                            to: string;
                            /** @enum {string} */
                            type: "question" | "answer" | "inform" | "handoff" | "broadcast" | "meeting_invite";
                            subject?: string;
                            task?: string;
                            run?: string;
                            reply_to?: string;
                            thread?: string;
                            at: string;
                        };
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    read_messages: {
        parameters: {
            query?: never;
            header?: {
                /** @description The request_id of the call: the same key again returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Only this: #CHANNEL (joins it), role:NAME, task:ID, all. */
                    channel?: string;
                    unread?: boolean;
                    from?: string;
                    ack?: string[];
                    /**
                     * @description At most 200.
                     * @default 50
                     */
                    limit?: number;
                    /** @description next_cursor of the previous page. */
                    cursor?: string;
                    /** @description Handle of the agent that acts. Default: this connection's own. */
                    agent?: string;
                    /** @description The same id again returns the first answer, without doing the work twice. Kept 24 h. */
                    request_id?: string;
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        messages: {
                            id: string;
                            from: string;
                            to: string;
                            /** @enum {string} */
                            type: "question" | "answer" | "inform" | "handoff" | "broadcast" | "meeting_invite";
                            subject?: string;
                            body: string;
                            data?: unknown;
                            task?: string;
                            run?: string;
                            reply_to?: string;
                            thread?: string;
                            at: string;
                            acknowledged: boolean;
                        }[];
                        unread: number;
                        next_cursor?: string;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    browse_messages: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Agent, role:NAME, #CHANNEL, task:ID or all. Default: everyone. */
                    to?: string;
                    /**
                     * @description At most 200.
                     * @default 50
                     */
                    limit?: number;
                    /** @description next_cursor of the previous page. */
                    cursor?: string;
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        messages: {
                            id: string;
                            from: string;
                            to: string;
                            /** @enum {string} */
                            type: "question" | "answer" | "inform" | "handoff" | "broadcast" | "meeting_invite";
                            subject?: string;
                            body: string;
                            data?: unknown;
                            task?: string;
                            run?: string;
                            reply_to?: string;
                            thread?: string;
                            at: string;
                            task_title?: string;
                            unread: boolean;
                        }[];
                        withheld: number;
                        next_cursor?: string;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    decide_approval: {
        parameters: {
            query?: never;
            header?: {
                /** @description The request_id of the call: the same key again returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From get_supervision. */
                    approval: string;
                    /** @enum {string} */
                    decision: "approved" | "approved_with_conditions" | "rejected";
                    conditions?: string[];
                    note?: string;
                    /** @description Handle of the agent that acts. Default: this connection's own. */
                    agent?: string;
                    /** @description The same id again returns the first answer, without doing the work twice. Kept 24 h. */
                    request_id?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        approval: {
                            id: string;
                            /** @enum {string} */
                            status: "open" | "approved" | "approved_with_conditions" | "rejected" | "void";
                            hash: string;
                            role: string;
                            project: string;
                            run?: string;
                            task?: string;
                            artifact?: string;
                            name?: string;
                            version?: number;
                            from: string;
                            reason?: string;
                            asked_at: string;
                            void_because?: string;
                            decided_at?: string;
                            decided_by?: string;
                            conditions?: string[];
                            note?: string;
                        };
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    get_supervision: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        project: string;
                        hierarchy: {
                            /** @enum {string} */
                            tier: "execution" | "lead" | "architect";
                            roles: string[];
                            agents: {
                                agent: string;
                                roles: string[];
                            }[];
                            supervised_by: string[];
                        }[];
                        reviews: {
                            id: string;
                            round: number;
                            /** @enum {string} */
                            tier: "execution" | "lead" | "architect" | "human";
                            role?: string;
                            requested_at: string;
                            diff?: string;
                            no_diff?: string;
                            /** @enum {string} */
                            verdict?: "approve" | "revise" | "reject";
                            agent?: string;
                            critique?: string;
                            findings: {
                                /** @enum {string} */
                                severity: "info" | "minor" | "major" | "critical";
                                what: string;
                                where?: string;
                                suggestion?: string;
                            }[];
                            decided_at?: string;
                            project: string;
                            run: string;
                            task?: string;
                            key?: string;
                            author?: string;
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            held_by?: string;
                        }[];
                        approvals: {
                            id: string;
                            /** @enum {string} */
                            status: "open" | "approved" | "approved_with_conditions" | "rejected" | "void";
                            hash: string;
                            role: string;
                            project: string;
                            run?: string;
                            task?: string;
                            artifact?: string;
                            name?: string;
                            version?: number;
                            from: string;
                            reason?: string;
                            asked_at: string;
                            void_because?: string;
                            decided_at?: string;
                            decided_by?: string;
                            conditions?: string[];
                            note?: string;
                        }[];
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    list_escalations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /**
                     * @description Default: those that may still be decided.
                     * @enum {string}
                     */
                    status?: "open" | "paused" | "approved" | "approved_with_conditions" | "rejected" | "retry" | "void";
                    /** @enum {string} */
                    tier?: "agent" | "lead" | "human";
                    /** @description From execute_workflow or list_runs. */
                    run?: string;
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    /**
                     * @description At most 200.
                     * @default 50
                     */
                    limit?: number;
                    /** @description next_cursor of the previous page. */
                    cursor?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        escalations: {
                            id: string;
                            type: string;
                            /** @enum {string} */
                            tier: "agent" | "lead" | "human";
                            /** @enum {string} */
                            status: "open" | "paused" | "approved" | "approved_with_conditions" | "rejected" | "retry" | "void";
                            ask: string;
                            from?: string;
                            details?: string;
                            form?: Record<string, unknown>;
                            token?: number;
                            task?: {
                                id: string;
                                key: string;
                                run: string;
                                title: string;
                                from?: string;
                                /** @enum {string} */
                                kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                                /** @enum {string} */
                                status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                                /** @enum {string} */
                                priority: "critical" | "high" | "normal" | "low";
                                role?: string;
                                agent?: string;
                                percent?: number;
                                reserved_for?: string;
                                reserved_until?: string;
                                failures?: number;
                                retry_at?: string;
                                until?: string;
                            };
                            /** @enum {string} */
                            priority?: "critical" | "high" | "normal" | "low";
                            blocking?: boolean;
                            run?: string;
                            budget?: string;
                            about?: string;
                            artifact?: string;
                            asked_at: string;
                            until?: string;
                            due_at?: string;
                            /** @enum {string} */
                            default_decision?: "reject" | "approve" | "retry" | "pause";
                            decided_at?: string;
                            decided_by?: string;
                            readonly conditions?: string[];
                            note?: string;
                        }[];
                        next_cursor?: string;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    decide_escalation: {
        parameters: {
            query?: never;
            header?: {
                /** @description The request_id of the call: the same key again returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From list_escalations. */
                    id: string;
                    /** @enum {string} */
                    decision: "approved" | "approved_with_conditions" | "rejected" | "deferred";
                    /** @description As the question's form asks. */
                    answers?: Record<string, unknown>;
                    conditions?: string[];
                    note?: string;
                    /** @description US$ by which an approved budget_override raises the budget. Default: half its limit. */
                    amount?: number;
                    /** @description From list_escalations: refused if the question has been asked anew since. */
                    token?: number;
                    /** @description Handle of the agent that acts. Default: this connection's own. */
                    agent?: string;
                    /** @description The same id again returns the first answer, without doing the work twice. Kept 24 h. */
                    request_id?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        escalation?: {
                            id: string;
                            type: string;
                            /** @enum {string} */
                            tier: "agent" | "lead" | "human";
                            /** @enum {string} */
                            status: "open" | "paused" | "approved" | "approved_with_conditions" | "rejected" | "retry" | "void";
                            ask: string;
                            from?: string;
                            details?: string;
                            form?: Record<string, unknown>;
                            token?: number;
                            task?: {
                                id: string;
                                key: string;
                                run: string;
                                title: string;
                                from?: string;
                                /** @enum {string} */
                                kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                                /** @enum {string} */
                                status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                                /** @enum {string} */
                                priority: "critical" | "high" | "normal" | "low";
                                role?: string;
                                agent?: string;
                                percent?: number;
                                reserved_for?: string;
                                reserved_until?: string;
                                failures?: number;
                                retry_at?: string;
                                until?: string;
                            };
                            /** @enum {string} */
                            priority?: "critical" | "high" | "normal" | "low";
                            blocking?: boolean;
                            run?: string;
                            budget?: string;
                            about?: string;
                            artifact?: string;
                            asked_at: string;
                            until?: string;
                            due_at?: string;
                            /** @enum {string} */
                            default_decision?: "reject" | "approve" | "retry" | "pause";
                            decided_at?: string;
                            decided_by?: string;
                            readonly conditions?: string[];
                            note?: string;
                        };
                        task?: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                        };
                        newly_ready: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                        }[];
                        ready: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                        }[];
                        more?: {
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            count: number;
                            next: {
                                tool: string;
                                arguments: Record<string, unknown>;
                            };
                        }[];
                        run?: {
                            id: string;
                            name: string;
                            /** @enum {string} */
                            status: "planning" | "running" | "paused" | "succeeded" | "failed" | "cancelling" | "cancelled" | "compensating" | "compensated";
                            progress: number;
                            ready: number;
                        };
                        budget?: {
                            /** @enum {string} */
                            scope: "run" | "project" | "agent" | "global";
                            run?: string;
                            project?: string;
                            agent?: string;
                            limit: number;
                            spent: number;
                            remaining: number;
                            /** @enum {string} */
                            state: "ok" | "warn" | "blocked";
                        };
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    list_dead_letters: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description From execute_workflow or list_runs. */
                    run?: string;
                    /** @enum {string} */
                    status?: "pending" | "replayed" | "resolved" | "discarded";
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    /**
                     * @description At most 200.
                     * @default 50
                     */
                    limit?: number;
                    /** @description next_cursor of the previous page. */
                    cursor?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        dead_letters: {
                            id: string;
                            /** @enum {string} */
                            status: "pending" | "replayed" | "resolved" | "discarded";
                            task: {
                                id: string;
                                key: string;
                                run: string;
                                title: string;
                                from?: string;
                                /** @enum {string} */
                                kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                                /** @enum {string} */
                                status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                                /** @enum {string} */
                                priority: "critical" | "high" | "normal" | "low";
                                role?: string;
                                agent?: string;
                                percent?: number;
                                reserved_for?: string;
                                reserved_until?: string;
                                failures?: number;
                                retry_at?: string;
                                until?: string;
                            };
                            error: {
                                type: string;
                                message: string;
                                stack?: string;
                            };
                            created_at: string;
                            closed_at: string | null;
                            closed_by: string | null;
                            note: string | null;
                            replay_at?: string;
                        }[];
                        next_cursor?: string;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    get_dead_letter: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From list_dead_letters; or its task. */
                    id: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        dead_letter: {
                            id: string;
                            /** @enum {string} */
                            status: "pending" | "replayed" | "resolved" | "discarded";
                            task: {
                                id: string;
                                key: string;
                                run: string;
                                title: string;
                                from?: string;
                                /** @enum {string} */
                                kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                                /** @enum {string} */
                                status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                                /** @enum {string} */
                                priority: "critical" | "high" | "normal" | "low";
                                role?: string;
                                agent?: string;
                                percent?: number;
                                reserved_for?: string;
                                reserved_until?: string;
                                failures?: number;
                                retry_at?: string;
                                until?: string;
                            };
                            error: {
                                type: string;
                                message: string;
                                stack?: string;
                            };
                            created_at: string;
                            closed_at: string | null;
                            closed_by: string | null;
                            note: string | null;
                            replay_at?: string;
                        };
                        attempts: {
                            number: number;
                            agent: string;
                            outcome: string;
                            started_at: string;
                            ended_at: string;
                            duration_ms: number;
                            error?: {
                                type: string;
                                message: string;
                                stack?: string;
                            };
                            usage?: Record<string, unknown>;
                            note?: string;
                            partial_result?: unknown;
                        }[];
                        context: {
                            prompt?: string;
                            command?: string;
                            inputs: Record<string, unknown>;
                            given?: unknown;
                            files: {
                                readonly write: string[];
                                readonly read: string[];
                            };
                        };
                        blocked: string[];
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    replay_dead_letter: {
        parameters: {
            query?: never;
            header?: {
                /** @description The request_id of the call: the same key again returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description From list_dead_letters; or its task. */
                    id?: string;
                    /** @description Instead of id, for several. */
                    ids?: string[];
                    changes?: {
                        /** @description Taken literally: expressions in it are not evaluated. */
                        prompt?: string;
                        /** @description Added to, or in place of, those of the run when the step's texts are filled in; not for elements of for_each. */
                        inputs?: Record<string, unknown>;
                        /** @description Reserves it for this agent. */
                        agent?: string;
                        retry?: {
                            max_attempts?: number;
                        };
                    };
                    notes?: string;
                    /** @description Handle of the agent that acts. Default: this connection's own. */
                    agent?: string;
                    /** @description The same id again returns the first answer, without doing the work twice. Kept 24 h. */
                    request_id?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        task?: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                        };
                        newly_ready?: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                        }[];
                        ready?: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                        }[];
                        more?: {
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            count: number;
                            next: {
                                tool: string;
                                arguments: Record<string, unknown>;
                            };
                        }[];
                        run?: {
                            id: string;
                            name: string;
                            /** @enum {string} */
                            status: "planning" | "running" | "paused" | "succeeded" | "failed" | "cancelling" | "cancelled" | "compensating" | "compensated";
                            progress: number;
                            ready: number;
                        };
                        replayed?: {
                            id: string;
                            task: {
                                id: string;
                                key: string;
                                run: string;
                                title: string;
                                from?: string;
                                /** @enum {string} */
                                kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                                /** @enum {string} */
                                status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                                /** @enum {string} */
                                priority: "critical" | "high" | "normal" | "low";
                                role?: string;
                                agent?: string;
                                percent?: number;
                                reserved_for?: string;
                                reserved_until?: string;
                                failures?: number;
                                retry_at?: string;
                                until?: string;
                            };
                            newly_ready: {
                                id: string;
                                key: string;
                                run: string;
                                title: string;
                                from?: string;
                                /** @enum {string} */
                                kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                                /** @enum {string} */
                                status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                                /** @enum {string} */
                                priority: "critical" | "high" | "normal" | "low";
                                role?: string;
                                agent?: string;
                                percent?: number;
                                reserved_for?: string;
                                reserved_until?: string;
                                failures?: number;
                                retry_at?: string;
                                until?: string;
                            }[];
                            ready: {
                                id: string;
                                key: string;
                                run: string;
                                title: string;
                                from?: string;
                                /** @enum {string} */
                                kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                                /** @enum {string} */
                                status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                                /** @enum {string} */
                                priority: "critical" | "high" | "normal" | "low";
                                role?: string;
                                agent?: string;
                                percent?: number;
                                reserved_for?: string;
                                reserved_until?: string;
                                failures?: number;
                                retry_at?: string;
                                until?: string;
                            }[];
                            more?: {
                                /** @enum {string} */
                                status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                                count: number;
                                next: {
                                    tool: string;
                                    arguments: Record<string, unknown>;
                                };
                            }[];
                            run: {
                                id: string;
                                name: string;
                                /** @enum {string} */
                                status: "planning" | "running" | "paused" | "succeeded" | "failed" | "cancelling" | "cancelled" | "compensating" | "compensated";
                                progress: number;
                                ready: number;
                            };
                        }[];
                        refused?: {
                            id: string;
                            code: string;
                            message: string;
                        }[];
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    resolve_dead_letter: {
        parameters: {
            query?: never;
            header?: {
                /** @description The request_id of the call: the same key again returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From list_dead_letters; or its task. */
                    id: string;
                    /** @description How it was resolved. */
                    notes: string;
                    result?: Record<string, unknown> | unknown[] | string | number | boolean;
                    /** @description Handle of the agent that acts. Default: this connection's own. */
                    agent?: string;
                    /** @description The same id again returns the first answer, without doing the work twice. Kept 24 h. */
                    request_id?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        task: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                        };
                        newly_ready: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                        }[];
                        ready: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                        }[];
                        more?: {
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            count: number;
                            next: {
                                tool: string;
                                arguments: Record<string, unknown>;
                            };
                        }[];
                        run: {
                            id: string;
                            name: string;
                            /** @enum {string} */
                            status: "planning" | "running" | "paused" | "succeeded" | "failed" | "cancelling" | "cancelled" | "compensating" | "compensated";
                            progress: number;
                            ready: number;
                        };
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    discard_dead_letter: {
        parameters: {
            query?: never;
            header?: {
                /** @description The request_id of the call: the same key again returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description From list_dead_letters; or its task. */
                    id: string;
                    notes: string;
                    /** @description Handle of the agent that acts. Default: this connection's own. */
                    agent?: string;
                    /** @description The same id again returns the first answer, without doing the work twice. Kept 24 h. */
                    request_id?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        task: {
                            id: string;
                            key: string;
                            run: string;
                            title: string;
                            from?: string;
                            /** @enum {string} */
                            kind: "agent" | "command" | "tool" | "human" | "gate" | "wait" | "plan" | "workflow";
                            /** @enum {string} */
                            status: "pending" | "ready" | "running" | "waiting" | "in_review" | "succeeded" | "skipped" | "blocked" | "cancelled" | "dead_letter";
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            role?: string;
                            agent?: string;
                            percent?: number;
                            reserved_for?: string;
                            reserved_until?: string;
                            failures?: number;
                            retry_at?: string;
                            until?: string;
                        };
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    list_schedules: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    /**
                     * @description At most 200.
                     * @default 50
                     */
                    limit?: number;
                    /** @description next_cursor of the previous page. */
                    cursor?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        schedules: {
                            id: string;
                            project: string;
                            name: string;
                            workflow: string;
                            cron: string;
                            timezone: string;
                            paused: boolean;
                            upcoming: string[];
                            /** @enum {string} */
                            missed: "skip" | "once" | "all";
                            overlap: boolean;
                            inputs: Record<string, unknown>;
                            with: Record<string, unknown>;
                            last_at: string | null;
                            last_run: string | null;
                            last_error: string | null;
                            failures: number;
                            created_at: string;
                            created_by: string;
                        }[];
                        next_cursor?: string;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    pause_schedule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The request_id of the call: the same key again returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Name or id, from list_schedules. */
                    schedule: string;
                    /** @default true */
                    paused?: boolean;
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    /** @description Handle of the agent that acts. Default: this connection's own. */
                    agent?: string;
                    /** @description The same id again returns the first answer, without doing the work twice. Kept 24 h. */
                    request_id?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        schedule: {
                            id: string;
                            project: string;
                            name: string;
                            workflow: string;
                            cron: string;
                            timezone: string;
                            paused: boolean;
                            upcoming: string[];
                            /** @enum {string} */
                            missed: "skip" | "once" | "all";
                            overlap: boolean;
                            inputs: Record<string, unknown>;
                            with: Record<string, unknown>;
                            last_at: string | null;
                            last_run: string | null;
                            last_error: string | null;
                            failures: number;
                            created_at: string;
                            created_by: string;
                        };
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    run_schedule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The request_id of the call: the same key again returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Name or id, from list_schedules. */
                    schedule: string;
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    /** @description Handle of the agent that acts. Default: this connection's own. */
                    agent?: string;
                    /** @description The same id again returns the first answer, without doing the work twice. Kept 24 h. */
                    request_id?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        schedule: {
                            id: string;
                            project: string;
                            name: string;
                            workflow: string;
                            cron: string;
                            timezone: string;
                            paused: boolean;
                            upcoming: string[];
                            /** @enum {string} */
                            missed: "skip" | "once" | "all";
                            overlap: boolean;
                            inputs: Record<string, unknown>;
                            with: Record<string, unknown>;
                            last_at: string | null;
                            last_run: string | null;
                            last_error: string | null;
                            failures: number;
                            created_at: string;
                            created_by: string;
                        };
                        run: {
                            id: string;
                            name: string;
                            /** @enum {string} */
                            kind: "workflow" | "standing";
                            project: string;
                            /** @enum {string} */
                            status: "planning" | "running" | "paused" | "succeeded" | "failed" | "cancelling" | "cancelled" | "compensating" | "compensated";
                            revision: number;
                            progress: number;
                            counts: {
                                total: number;
                                pending: number;
                                ready: number;
                                running: number;
                                waiting: number;
                                in_review: number;
                                succeeded: number;
                                skipped: number;
                                blocked: number;
                                cancelled: number;
                                dead_letter: number;
                            };
                            /** @enum {string} */
                            priority: "critical" | "high" | "normal" | "low";
                            max_parallel: number;
                            mode?: string;
                            workflow?: string;
                            workflow_version?: number | null;
                            deadline?: string;
                            reason?: string;
                            parent?: {
                                run: string | null;
                                task: string;
                            };
                            on_failure?: string;
                            stage?: string;
                            inputs: Record<string, unknown>;
                            created_by: string;
                            created_at: string;
                            ended_at?: string;
                            success_rate?: number | null;
                            duration_ms?: number;
                        };
                        ready: unknown[];
                        warnings?: string[];
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    delete_schedule: {
        parameters: {
            query?: never;
            header?: {
                /** @description The request_id of the call: the same key again returns the first answer. */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Name or id, from list_schedules. */
                    schedule: string;
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    /** @description Handle of the agent that acts. Default: this connection's own. */
                    agent?: string;
                    /** @description The same id again returns the first answer, without doing the work twice. Kept 24 h. */
                    request_id?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        schedule: {
                            id: string;
                            project: string;
                            name: string;
                            workflow: string;
                            cron: string;
                            timezone: string;
                            paused: boolean;
                            upcoming: string[];
                            /** @enum {string} */
                            missed: "skip" | "once" | "all";
                            overlap: boolean;
                            inputs: Record<string, unknown>;
                            with: Record<string, unknown>;
                            last_at: string | null;
                            last_run: string | null;
                            last_error: string | null;
                            failures: number;
                            created_at: string;
                            created_by: string;
                        };
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    check_budget: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /**
                     * @description Default: run, or what is named.
                     * @enum {string}
                     */
                    scope?: "run" | "project" | "agent" | "global";
                    /** @description From execute_workflow or list_runs. */
                    run?: string;
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    /** @description The agent whose cost in all projects counts. */
                    for_agent?: string;
                    /** @description US$ that work about to begin may cost. */
                    amount?: number;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        scope: "run" | "project" | "agent" | "global";
                        run?: string;
                        /** @enum {string} */
                        state: "none" | "ok" | "warn" | "blocked";
                        cost: number;
                        budgets: {
                            /** @enum {string} */
                            scope: "run" | "project" | "agent" | "global";
                            run?: string;
                            project?: string;
                            agent?: string;
                            limit: number;
                            spent: number;
                            remaining: number;
                            /** @enum {string} */
                            state: "ok" | "warn" | "blocked";
                            warn_at: number;
                            block_at: number;
                        }[];
                        budget: {
                            /** @enum {string} */
                            scope: "run" | "project" | "agent" | "global";
                            run?: string;
                            project?: string;
                            agent?: string;
                            limit: number;
                            spent: number;
                            remaining: number;
                            /** @enum {string} */
                            state: "ok" | "warn" | "blocked";
                            warn_at: number;
                            block_at: number;
                        } | null;
                        allowed: boolean;
                        /** @enum {string} */
                        state_after?: "none" | "ok" | "warn" | "blocked";
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    get_costs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /**
                     * @default run
                     * @enum {string}
                     */
                    group_by?: "run" | "agent" | "role" | "model" | "day" | "task";
                    /** @description Project id or name, from create_project or list_projects. Default: the one around the working directory. */
                    project?: string;
                    /** @description From execute_workflow or list_runs. */
                    run?: string;
                    /** @default false */
                    all_projects?: boolean;
                    /** @description An instant in ISO 8601. */
                    since?: string;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        group_by: string;
                        groups: {
                            cost: number;
                            list_price_estimate?: number;
                            input_tokens: number;
                            output_tokens: number;
                            cached_tokens: number;
                            cache_write_tokens: number;
                            records: number;
                            unpriced?: number;
                            last_at?: string;
                        }[];
                        total: {
                            cost: number;
                            list_price_estimate?: number;
                            input_tokens: number;
                            output_tokens: number;
                            cached_tokens: number;
                            cache_write_tokens: number;
                            records: number;
                            unpriced?: number;
                            last_at?: string;
                        };
                        more: boolean;
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
    search: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description As one phrase, in any case. */
                    text: string;
                    kinds?: ("run" | "task" | "question" | "dead_letter" | "message" | "agent" | "event")[];
                    /** @description From create_project or list_projects. Default: all of them. */
                    project?: string;
                    /**
                     * @description Of each kind, at most 50.
                     * @default 10
                     */
                    limit?: number;
                };
            };
        };
        responses: {
            /** @description Its result. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        found: {
                            /** @enum {string} */
                            kind: "run" | "task" | "question" | "dead_letter" | "message" | "agent" | "event";
                            id: string;
                            title: string;
                            excerpt?: string;
                            status?: string;
                            from?: string;
                            run?: string;
                            task?: string;
                            at: string;
                        }[];
                        more: ("run" | "task" | "question" | "dead_letter" | "message" | "agent" | "event")[];
                    };
                };
            };
            "4XX": components["responses"]["Refused"];
            "5XX": components["responses"]["Refused"];
        };
    };
}
