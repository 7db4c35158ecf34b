/** Tags of capabilities by the wider ones that each implies. An agent that offers `fastapi` meets what asks for `python`, or for `backend`. */
const WIDER: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    backend: ["python", "java", "go", "rust", "ruby", "php", "csharp", "nodejs", "graphql", "grpc"],
    frontend: ["react", "vue", "angular", "svelte", "css", "html"],
    mobile: ["ios", "android", "flutter", "react-native"],
    database: ["sql", "mongodb", "redis"],
    devops: ["docker", "kubernetes", "terraform", "ansible", "ci"],
    testing: ["unit-testing", "integration-testing", "e2e-testing"],
    python: ["django", "flask", "fastapi"],
    java: ["spring"],
    ruby: ["rails"],
    php: ["laravel"],
    csharp: ["dotnet"],
    nodejs: ["express", "nestjs"],
    react: ["nextjs"],
    ios: ["swift"],
    android: ["kotlin"],
    sql: ["postgresql", "mysql", "sqlite"],
    "unit-testing": ["pytest", "jest", "vitest", "junit"],
    "e2e-testing": ["playwright", "cypress", "selenium"],
  }).reduce((wider, [tag, narrower]) => {
    for (const one of narrower) wider.set(one, [...(wider.get(one) ?? []), tag]);
    return wider;
  }, new Map<string, string[]>()),
);

/** Capabilities with those that they imply. The table has no circle. */
export function withWider(capabilities: Iterable<string>): ReadonlySet<string> {
  const all = new Set(capabilities);
  // A set gives what is added while it is walked.
  for (const one of all) for (const wider of WIDER.get(one) ?? []) all.add(wider);
  return all;
}
