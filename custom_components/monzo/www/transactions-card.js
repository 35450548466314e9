/** The newest transactions of one account or more. */
export {};
