import { css } from "lit";

export const cardStyles = css`
  ha-card {
    height: 100%;
    overflow: auto;
  }
  button {
    font: inherit;
    color: var(--primary-color);
    background: none;
    border: 0;
    cursor: pointer;
    min-width: 44px;
    min-height: 44px;
    border-radius: 22px;
  }
  button:disabled {
    opacity: 0.5;
    cursor: default;
  }
  h2 {
    margin: 0;
    font-size: 16px;
    font-weight: 500;
  }
  small {
    display: block;
  }
  small,
  h3 {
    font-size: 12px;
    color: var(--secondary-text-color);
  }
  [role="alert"] {
    color: var(--ha-color-on-danger-normal, var(--error-color));
  }
`;
