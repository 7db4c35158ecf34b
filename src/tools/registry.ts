import { Catalogue } from "./catalogue.js";
import { metaOperations } from "./meta.js";

/** Every operation there is, area by area: the order of the tool list, the reference and `find_operations`. */
export const catalogue = new Catalogue([...metaOperations]);
