import { createHash } from "node:crypto";
import { defineConfig, type Plugin } from "vite";

/** Puts the script and the style of a document into it: an MCP App is one text, which loads nothing. */
const inOneDocument: Plugin = {
  name: "in-one-document",
  enforce: "post",
  generateBundle: {
    order: "post",
    handler(_, bundle) {
      const files = Object.values(bundle);
      const html = files.find(({ fileName }) => fileName.endsWith(".html"));
      if (html?.type !== "asset") throw new Error("there is no document");
      let text = String(html.source);
      for (const file of files) {
        const { fileName } = file;
        // No text of a script or a style ends its element early, and none is a pattern of the replacement.
        if (file.type === "chunk") {
          const code = file.code.replaceAll("</script", "<\\/script");
          const hash = createHash("sha256").update(code).digest("base64");
          text = text
            .replace(new RegExp(`<script[^>]*${fileName}[^>]*></script>`), "")
            .replace("SCRIPT_HASH", `sha256-${hash}`)
            .replace("</body>", () => `<script type="module">${code}</script></body>`);
        } else if (fileName.endsWith(".css")) {
          text = text.replace(new RegExp(`<link[^>]*${fileName}[^>]*>`), () => `<style>${String(file.source)}</style>`);
        } else continue;
        delete bundle[fileName];
      }
      html.source = text;
    },
  },
};

export default defineConfig({
  plugins: [inOneDocument],
  // A third of the size; what the parts use of React it has too.
  resolve: {
    alias: [
      { find: "react-dom/client", replacement: "preact/compat/client" },
      { find: "react/jsx-runtime", replacement: "preact/jsx-runtime" },
      { find: /^react(-dom)?$/, replacement: "preact/compat" },
    ],
  },
  build: {
    target: "es2023",
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: "run-app.html",
      output: { codeSplitting: false },
      checks: { moduleLevelDirective: false },
    },
    license: { fileName: "licences.md" },
  },
});
