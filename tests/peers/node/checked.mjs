// Judges what goes to another server and what comes back: checked.mjs FOLDER DESCRIPTION UPSTREAM.
import { Contract } from "./contract.mjs";
import { serve } from "./proxy.mjs";

const [folder, description, upstream] = process.argv.slice(2);
console.log(await serve({ upstream, contract: new Contract(folder, description), strict: true }));
