import { css } from "lit";

export const transactionStyles = css`
  :host {
    display: block;
    height: 100%;
    container-type: inline-size;
  }
  ha-card {
    display: flex;
    flex-direction: column;
  }
  header {
    display: flex;
    align-items: center;
    padding: 4px 4px 4px 16px;
    padding-inline: 16px 4px;
  }
  h2 {
    flex: 1;
    min-width: 0;
    padding-block: 12px;
    overflow-wrap: anywhere;
  }
  .wide {
    width: 100%;
    flex: none;
  }
  ha-card > p {
    margin: 0;
    padding: 8px 16px;
  }
  .day {
    display: flex;
    justify-content: space-between;
    gap: 12px;
    margin: 8px 16px 0;
  }
  h3 {
    margin: 0;
    font-weight: 500;
  }
  h3.month {
    margin: 16px 16px 0;
    font-size: 14px;
    color: var(--primary-text-color);
  }
  h3::first-letter {
    text-transform: uppercase;
  }
  ul {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  li {
    content-visibility: auto;
    contain-intrinsic-block-size: auto 52px;
  }
  .row {
    display: flex;
    align-items: center;
    gap: 12px;
    width: 100%;
    padding: 6px 16px;
    border-radius: 0;
    color: inherit;
    text-align: start;
  }
  @media (hover: hover) {
    .row:hover {
      background: var(--secondary-background-color);
    }
  }
  .icon {
    --mdc-icon-size: 20px;
    flex: none;
    display: grid;
    place-items: center;
    width: 36px;
    height: 36px;
    border-radius: 8px;
    overflow: hidden;
    font-size: 20px;
    color: var(--category-color);
    background: color-mix(in srgb, var(--category-color) 18%, transparent);
  }
  .icon > * {
    grid-area: 1 / 1;
  }
  .icon > span {
    display: grid;
    line-height: 1;
  }
  img {
    width: 100%;
    height: 100%;
    object-fit: cover;
  }
  .what {
    flex: 1;
    min-width: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .what small {
    /* The reason of a declined payment must not be cut off. */
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    overflow: hidden;
    line-height: 1.3;
    white-space: normal;
  }
  /* A narrow card has no room for the name, so only screen readers say it. */
  @container (width < 480px) {
    .account {
      position: absolute;
      clip-path: inset(50%);
    }
  }
  .dot {
    display: inline-block;
    width: 8px;
    height: 8px;
    margin-inline-end: 4px;
    border-radius: 50%;
  }
  .sum {
    text-align: end;
    white-space: nowrap;
  }
  .in {
    color: var(--ha-color-on-success-normal, var(--success-color));
  }
`;
