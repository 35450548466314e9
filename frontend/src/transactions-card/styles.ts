import { css } from "lit";

export const transactionStyles = css`
  ha-card {
    display: flex;
    flex-direction: column;
  }
  header,
  li {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 12px;
    padding: 4px 16px;
  }
  .wide {
    width: 100%;
  }
  ha-card > p {
    margin: 0;
    padding: 8px 16px;
  }
  h3 {
    margin: 8px 16px 0;
    font-weight: 500;
  }
  h3::first-letter {
    text-transform: uppercase;
  }
  ul {
    margin: 0;
    padding: 0;
  }
  .icon {
    flex: none;
    display: grid;
    place-items: center;
    width: 36px;
    height: 36px;
    border-radius: 8px;
    overflow: hidden;
    font-size: 20px;
    background: var(--secondary-background-color);
  }
  .icon,
  .icon > img {
    grid-area: 1 / 1;
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
  .sum {
    text-align: end;
    white-space: nowrap;
  }
  .in {
    color: var(--ha-color-on-success-normal, var(--success-color));
  }
`;
