import { css } from "lit";

export const moveDialogStyles = css`
  ha-adaptive-dialog {
    --ha-dialog-width-sm: 400px;
  }
  p {
    margin: 0;
  }
  p:focus {
    outline: 0;
  }
  [role="alert"] {
    color: var(--ha-color-on-danger-normal, var(--error-color));
    margin-block: 8px;
  }
  .holding {
    display: flex;
    justify-content: space-between;
    gap: 16px;
    margin-block-end: 4px;
  }
  .holding > :first-child {
    overflow-wrap: anywhere;
    color: var(--secondary-text-color);
  }
  form {
    margin-block: 16px 8px;
  }
  input {
    box-sizing: border-box;
    width: 100%;
    margin-block-start: 8px;
    padding: 8px 12px;
    border: 1px solid var(--secondary-text-color);
    border-radius: 8px;
    font: inherit;
    font-size: 24px;
    color: inherit;
    background: none;
  }
  .quick {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }
  .link {
    margin-block-start: 12px;
    min-height: 44px;
    padding: 0;
    border: 0;
    font: inherit;
    color: var(--primary-color);
    background: none;
    cursor: pointer;
  }
  .link:disabled {
    opacity: 0.5;
    cursor: default;
  }
  .quick > button {
    min-height: 44px;
    padding-inline: 16px;
    border: 1px solid var(--divider-color);
    border-radius: 22px;
    font: inherit;
    color: inherit;
    background: none;
    cursor: pointer;
  }
`;
