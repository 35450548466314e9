import { css } from "lit";

export const upcomingStyles = css`
  ha-card {
    padding-block: 8px;
  }
  ha-card > p {
    margin: 0;
    padding: 8px 16px;
  }
  ha-card > .icon-button {
    float: inline-end;
  }
  .account,
  li {
    box-sizing: border-box;
    display: flex;
    align-items: center;
    gap: 12px;
    width: 100%;
    padding: 4px 16px;
    color: inherit;
    text-align: start;
  }
  .account {
    border-radius: 0;
  }
  @media (hover: hover) {
    .account:hover {
      background: var(--secondary-background-color);
    }
  }
  .short .what small {
    color: var(--ha-color-on-danger-normal, var(--error-color));
  }
  .what {
    flex: 1;
    min-width: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .what small {
    line-height: 1.4;
  }
  .sum {
    text-align: end;
    white-space: nowrap;
  }
  .sum b {
    font-size: 18px;
    font-weight: 500;
  }
  /* A low row says only what is left, unless it is not enough. */
  .low {
    padding-block: 0;
  }
  .low .sum small {
    display: inline;
    margin-inline-start: 8px;
  }
  .low:not(.short) .what small {
    position: absolute;
    clip-path: inset(50%);
  }
  .in {
    color: var(--ha-color-on-success-normal, var(--success-color));
  }
  .dot {
    flex: none;
    display: inline-block;
    width: 8px;
    height: 8px;
    margin-inline-end: 4px;
    border-radius: 50%;
  }
  .account .dot {
    width: 12px;
    height: 12px;
    margin: 0;
  }
  .chart {
    position: relative;
    height: 56px;
    margin: 8px 16px 4px;
  }
  svg {
    width: 100%;
    height: 100%;
    overflow: visible;
  }
  .area {
    fill: var(--line-color);
    opacity: 0.12;
  }
  .line,
  .zero {
    fill: none;
    stroke: var(--line-color);
    stroke-width: 2;
    vector-effect: non-scaling-stroke;
  }
  .zero {
    stroke: var(--divider-color);
    stroke-width: 1;
  }
  .overdrawn {
    stroke: var(--error-color);
  }
  .lowest {
    position: absolute;
    width: 8px;
    height: 8px;
    margin: -6px;
    border: 2px solid var(--card-background-color);
    border-radius: 50%;
  }
  .axis {
    display: flex;
    justify-content: space-between;
    gap: 8px;
    margin: 0 16px 4px;
  }
  /* The dates at both ends stay on one line beside a long text. */
  .axis > :not(:nth-child(2)) {
    white-space: nowrap;
  }
  ul {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .date {
    flex: none;
    display: grid;
    place-content: center;
    place-items: center;
    width: 36px;
    height: 36px;
    border-radius: 8px;
    line-height: 1.15;
    background: var(--secondary-background-color);
  }
  .date b {
    font-weight: 500;
  }
  .date small {
    font-size: 10px;
    text-transform: uppercase;
  }
  .spoken {
    position: absolute;
    clip-path: inset(50%);
  }
  .wide {
    width: 100%;
  }
`;
