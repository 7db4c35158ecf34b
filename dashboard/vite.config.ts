import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2023",
    // Every file stands by itself: the page's policy allows no data: and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Directives of packages for servers, which are of no use here.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
    license: { fileName: "licences.md" },
  },
});
