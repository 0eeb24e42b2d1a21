// The types as CommonJS sees them: checked by `tsc`, never run.
import tu = require("trueup");

const work: tu.Work<tu.Report> = tu.reconcile([{ id: 1 }], [{ id: 1 }], { key: "id" });
void work;
