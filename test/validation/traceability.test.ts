import { expect, test } from "vitest";
import { requirementsOf, testedIn } from "../../src/validation/traceability.js";

test.each([
  ["- PCI-REQ-1: cards must be masked", ["PCI-REQ-1"]],
  ["- ISO-AC-1: dates must be read", ["ISO-AC-1"]],
  ["- TLS-FR-1: links must be encrypted", ["TLS-FR-1"]],
  ["### SYS-SUB-REQ-1 Login", ["SYS-SUB-REQ-1"]],
  ["The part AUTHMOD2-FR-1 must log in.", ["AUTHMOD2-FR-1"]],
  ["as REQ-003-A says", ["REQ-003"]],
  ["- PCI-4: of the standard\n- ISO-8601: instants\n- REQ-003a: no number", []],
])("%s has the ids %j of requirements", (text, ids) => {
  expect(requirementsOf(text)).toEqual(ids);
});

test.each([
  ["def test_sys_sub_req_1(): pass", ["REQ-1", "SYS-SUB-REQ-1"]],
  ["test('NFR-1.2 holds')", ["NFR-1.2"]],
  ["test('nfr_1_2b')", ["NFR-1.2"]],
  ["test('REQ.1, MYREQ-1, REQ-1-2, REQ-1.2, REQ-12')", []],
])("tests of the words %s name the ids %j", (text, ids) => {
  expect([...testedIn([text], ["SYS-SUB-REQ-1", "REQ-1", "NFR-1.2"])].toSorted()).toEqual(ids);
});
