// npm run demo: three clients document Baton's own source in one repository; in the middle everything is killed at once, starts
// again and goes on (recovery.ts).
//
// npm run demo -- team: four clients plan, ask, review, check and pay together, and a person decides (scenario/main.ts).
if (process.argv[2] === "team") await import("./scenario/main.js");
else await import("./recovery.js");
