import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import { configs as lit } from "eslint-plugin-lit";
import typescript from "typescript-eslint";

export default defineConfig(
  { files: ["**/*.js"], extends: [js.configs.recommended] },
  {
    files: ["**/*.ts"],
    extends: [
      js.configs.recommended,
      typescript.configs.strictTypeChecked,
      lit["flat/recommended"],
    ],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // The test runner waits for each test.
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", name: "test", package: "node:test" }] },
      ],
    },
  },
);
