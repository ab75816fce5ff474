// Mocha's own report, then every skipped test with its reason, then one plain line of counts.
const { Spec } = require('mocha').reporters;
const { EVENT_TEST_PENDING } = require('mocha').Runner.constants;

module.exports = class Report extends Spec {
  constructor(runner, options) {
    super(runner, options);
    this.skipped = [];
    runner.on(EVENT_TEST_PENDING, (test) => this.skipped.push(test));
  }

  epilogue() {
    super.epilogue();
    const { passes = 0, failures = 0, pending = 0 } = this.stats;
    for (const test of this.skipped) {
      console.log(
        `  skipped: ${test.fullTitle()} (${test.skipReason ?? test.parent?.skipReason ?? 'no reason given'})`,
      );
    }
    console.log(`\n${passes} passed, ${failures} failed, ${pending} skipped`);
  }
};
