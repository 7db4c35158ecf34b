import type { TaskStatus } from "../../../src/base/statuses.js";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layOut, type Line } from "../../../src/engine/graph/layout.js";
import { type PictureNode, toDot, toMermaid, toSvg } from "../../../src/engine/graph/diagrams.js";
import { processorMs } from "../../support/servers/processor-time.js";

const STATUSES: readonly TaskStatus[] = [
  "pending",
  "ready",
  "running",
  "waiting",
  "in_review",
  "succeeded",
  "skipped",
  "blocked",
  "cancelled",
  "dead_letter",
];

const node = (key: string, facts: Partial<PictureNode> = {}): PictureNode => ({
  key,
  title: key,
  kind: "agent",
  needs: [],
  ...facts,
});

const plan = [
  node("design", { title: "Design the API", status: "succeeded" }),
  node("test", { title: "Run tests", kind: "command", status: "running", needs: ["design"] }),
  node("ship", { kind: "human", needs: ["design", "test"] }),
];

/** Texts with which an agent could break out of a label, or deceive a reader. */
const HOSTILE = [
  'say "hi"',
  "a[b]{c}(d)|e",
  "x --> y",
  "<script>alert(1)</script>",
  "line\nbreak\r\n\ttab",
  "nul\u0000 esc\u001b[31m c1\u009b bell\u0007",
  "bidi \u202Eevil\u202C \u2066x\u2069 \u200Fmark",
  "%%{init: {'securityLevel':'loose'}}%%",
  "style n0:#fff; #quot; #35;",
  "classDef x:#fff;",
  '"`markdown` **bold**"',
  "1. list",
  "a & b &lt; &#60;",
  "back\\slash \\N \\G \\",
  "]]><![CDATA[ --> <!--",
  "click n0 href javascript:alert(1)",
  "$$x^2$$ @{ shape: x }:::danger;",
  "half \ud800 pair \udc00",
  "smuggled \u{E0041}\u{E0042} \uFFFE",
  "日本語 👩‍👩‍👧 né",
];
const hostile = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.string({
    unit: fc.constantFrom(...Array.from("\"'`<>&#;:%{}[]()|\\-=.~@$\n"), "style", "classDef"),
    maxLength: 80,
  }),
);

const hostileNodes = fc
  .array(fc.record({ title: hostile, kind: fc.oneof(hostile, fc.constantFrom("command", "human", "gate", "wait")) }), {
    minLength: 1,
    maxLength: 6,
  })
  .map((drawn) => drawn.map((facts, i) => node(`${facts.title}${i}`, { ...facts, needs: [], status: "ready" })))
  .map((nodes) => nodes.map((each, i) => ({ ...each, needs: nodes.slice(0, i).map(({ key }) => key) })));

const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Noncharacter_Code_Point}\u{E0000}-\u{E007F}]/u;
const expectNoHiddenCharacters = (picture: string) => expect(picture.replaceAll("\n", "")).not.toMatch(FORBIDDEN);

/** The text as a reader sees it, with marks for hidden characters; at most 48 characters are not cut. */
const visible = (text: string) =>
  text
    .replace(/\s+/gu, " ")
    .trim()
    .replace(new RegExp(FORBIDDEN, "gu"), (hidden) =>
      Array.from({ length: hidden.length }, (_, at) => hidden.charCodeAt(at).toString(16).padStart(4, "0"))
        .map((code) => `\\u${code}`)
        .join(""),
    );

const decoded = (label: string) => label.replace(/#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));

describe("toMermaid", () => {
  it("draws a run", () => {
    expect(toMermaid(plan)).toBe(
      [
        "flowchart LR",
        '  n0["design<br/>Design the API"]:::succeeded',
        '  n1[["test<br/>Run tests"]]:::running',
        '  n2{{"ship"}}',
        "  n0 --> n1",
        "  n0 --> n2",
        "  n1 --> n2",
        "  classDef running fill:#fff8c5,stroke:#bf8700,color:#1f2328",
        "  classDef succeeded fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
        "",
      ].join("\n"),
    );
  });

  it("says how much it leaves out", () => {
    const picture = toMermaid(plan, { maxNodes: 2 });
    expect(picture).toContain('  more["… 1 more"]\n');
    expect(picture).toContain("  n0 --> n1\n");
    expect(picture).not.toContain("n2");
  });

  it("lets no text reach the syntax, and loses none of it", () => {
    const line =
      /^(flowchart LR| {2}n\d+(\[|\[\[|\{\{|\{|\(\[)"(?:[^"`<>{}%;#&$\\|[\]~@]|#\d+;|<br\/>)*"(\]|\]\]|\}\}|\}|\]\)):::ready| {2}n\d+ --> n\d+| {2}classDef ready fill:#\w{6},stroke:#\w{6},color:#\w{6})$/u;
    fc.assert(
      fc.property(hostileNodes, (nodes) => {
        const picture = toMermaid(nodes);
        expectNoHiddenCharacters(picture);
        for (const each of picture.trimEnd().split("\n")) {
          expect(each).toMatch(line);
          // Mermaid strips the last semicolon of such a line, which would spoil an entity.
          expect(each).not.toMatch(/(style|classDef).*:\S*#.*;/);
        }
      }),
    );
    for (const title of HOSTILE) {
      const label = /^ {2}n0\["k<br\/>(.*)"\]$/m.exec(toMermaid([node("k", { title })]))?.[1];
      expect(decoded(label ?? "")).toBe(visible(title));
    }
  });
});

describe("toDot", () => {
  it("draws a run", () => {
    expect(toDot(plan, { maxNodes: 2 }).split("\n").slice(4)).toEqual([
      '  n0 [label="design\\nDesign the API", fillcolor="#dafbe1", color="#1a7f37"];',
      '  n1 [label="test\\nRun tests", shape=component, style=filled, fillcolor="#fff8c5", color="#bf8700"];',
      '  more [label="… 1 more", shape=plaintext, style=""];',
      "  n0 -> n1;",
      "}",
      "",
    ]);
  });

  it("lets no text reach the syntax", () => {
    const line =
      /^ {2}n\d+ (\[label="(?:[^"\\]|\\\\|\\"|\\n)*", [^"\\]*fillcolor="#\w{6}", color="#\w{6}"\]|-> n\d+);$/u;
    fc.assert(
      fc.property(hostileNodes, (nodes) => {
        const picture = toDot(nodes);
        expectNoHiddenCharacters(picture);
        for (const each of picture.trimEnd().split("\n").slice(4, -1)) expect(each).toMatch(line);
      }),
    );
    expect(toDot([node("k", { title: 'a "b" \\N &lt;' })])).toContain('label="k\\na \\"b\\" \\\\N &amp;lt;"');
  });
});

const svgLabel = (title: string) => /<text x="\d+" y="\d+">(.*?)<\/text>/.exec(toSvg([node("k", { title })]))?.[1];

const TAG = /<\/?(?:svg|style|defs|marker|path|rect|g|title|text)(?: [\w:-]+="[^"<>&]*")*\/?>/g;

/** The elements that are open at the end, or at the first end tag that is not theirs. */
function unclosed(tags: readonly string[]): string[] {
  const open: string[] = [];
  for (const tag of tags) {
    const name = /\w+/.exec(tag)?.[0] ?? "";
    if (tag.startsWith("</")) {
      if (open.at(-1) !== name) return [...open, tag];
      open.pop();
    } else if (!tag.endsWith("/>")) {
      open.push(name);
    }
  }
  return open;
}

describe("toSvg", () => {
  it("draws every task with its status in words, a tooltip, and a curve for each dependency", () => {
    const picture = toSvg(plan);
    expect(picture).toContain('<g class="running"><title>test: Run tests (running, command)</title>');
    expect(picture).toMatch(/<text class="detail"[^>]*>running · command · test<\/text>/);
    expect(picture.match(/<path d="M/g)).toHaveLength(3);
    expect(picture).toContain("@media (prefers-color-scheme:dark)");
    expect(toSvg(plan, { maxNodes: 1 })).toContain("… 2 more");
    expect(toSvg([])).toContain("</svg>");
    expect(toSvg(plan)).toBe(picture);
  });

  it("cuts a long label with an ellipsis, counting ideographs as two", () => {
    expect(svgLabel("x".repeat(200_000))).toBe(`${"x".repeat(24)}…`);
    expect(svgLabel("日".repeat(30))).toBe(`${"日".repeat(11)}…`);
    expect(svgLabel("👍".repeat(30))).toBe(`${"👍".repeat(11)}…`);
    expect(svgLabel("x".repeat(25))).toBe("x".repeat(25));
  });

  it("is well-formed whatever the texts say, and holds nothing that runs or loads", () => {
    fc.assert(
      fc.property(hostileNodes, (nodes) => {
        const picture = toSvg(nodes);
        expectNoHiddenCharacters(picture);
        const [tags, rest] = [picture.match(TAG) ?? [], picture.replace(TAG, "")];
        expect(unclosed(tags)).toEqual([]);
        expect(tags.filter((tag) => / (on\w+|href|src)=/.test(tag))).toEqual([]);
        expect(rest).not.toMatch(/[<>"']|&(?!#\d+;)/);
      }),
    );
  });

  it("refuses a cycle with its path", () => {
    expect(() => toSvg([node("a", { needs: ["b"] }), node("b", { needs: ["a"] })])).toThrow("a → b → a");
  });
});

const heightAt = (line: Line | undefined, end: 0 | -1) => line?.points.at(end)?.y ?? Number.NaN;
const crossings = (lines: readonly Line[]) =>
  lines.flatMap((one, i) =>
    lines
      .slice(i + 1)
      .filter((other) => (heightAt(one, 0) - heightAt(other, 0)) * (heightAt(one, -1) - heightAt(other, -1)) < 0),
  ).length;

describe("layOut", () => {
  it("reorders a column so that lines do not cross", () => {
    const roots = Array.from({ length: 12 }, (_, i) => ({ key: `r${i}`, needs: [] as string[] }));
    const joins = Array.from({ length: 4 }, (_, i) => ({ key: `j${i}`, needs: [`r${i}`, `r${i + 4}`, `r${i + 8}`] }));
    expect(crossings(layOut([...roots, ...joins]).lines)).toBe(0);
  });

  it("keeps boxes apart, inside the drawing, and to the right of what they need", () => {
    const graph = fc
      .array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 25 })
      .map((drawn) =>
        drawn.map((needs, i) => ({ key: `k${i}`, needs: i === 0 ? [] : needs.map((need) => `k${need % i}`) })),
      );
    fc.assert(
      fc.property(graph, (nodes) => {
        const { corners, lines, width, height } = layOut(nodes);
        expect(lines).toHaveLength(nodes.reduce((sum, { needs }) => sum + new Set(needs).size, 0));
        for (const { points } of lines) {
          points.slice(1).forEach(({ x }, i) => expect(x).toBeGreaterThan(points[i]?.x ?? Infinity));
          for (const { x, y } of points) expect(x > 0 && y > 0 && x < width && y < height).toBe(true);
        }
        corners.forEach((one, i) => {
          expect(one.x >= 0 && one.y >= 0 && one.x + 210 <= width && one.y + 46 <= height).toBe(true);
          for (const other of corners.slice(i + 1)) {
            expect(Math.abs(one.x - other.x) >= 210 || Math.abs(one.y - other.y) >= 46).toBe(true);
          }
        });
      }),
    );
  });
});

const drawn = (needsOf: (i: number) => number[]) =>
  Array.from({ length: 10_000 }, (_, i) =>
    node(`t${i}`, {
      title: `Task number ${i} of the plan`,
      status: STATUSES[i % STATUSES.length],
      needs: needsOf(i).map((need) => `t${need}`),
    }),
  );

describe("at the limit of 10,000 tasks", () => {
  it.each([
    ["local", drawn((i) => [13, 29, 49].filter((back) => back <= i).map((back) => i - back + ((i * 31) % back)))],
    ["far", drawn((i) => (i === 0 ? [] : [(i * 7919) % i, (i * 104_729) % i, i - 1]))],
    ["fan", drawn((i) => (i === 0 ? [] : [0]))],
  ])("%s: the pictures take well under a second each", async (name, nodes) => {
    const timed = (draw: (nodes: readonly PictureNode[]) => string): Promise<number> =>
      processorMs(() => expect(draw(nodes).length).toBeGreaterThan(500_000));
    const [svg, mermaid, dot] = [await timed(toSvg), await timed(toMermaid), await timed(toDot)];
    console.log(`${name}: SVG ${svg.toFixed(0)} ms, Mermaid ${mermaid.toFixed(0)} ms, DOT ${dot.toFixed(0)} ms`);
    // Measured 150-700, 30-140 and 30-140 ms; the bound is wide because the machine is shared.
    expect(Math.max(svg, mermaid, dot)).toBeLessThan(15_000);
  });
});
